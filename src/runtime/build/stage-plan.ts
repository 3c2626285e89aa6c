import { type Dockerfile, type Stage, targetStage } from './dockerfile/dockerfile.ts'
import { expandWord } from './dockerfile/expand.ts'
import { flagText } from './dockerfile/flags.ts'
import type { Instruction } from './dockerfile/instructions.ts'

/** The image or stage that a FROM names. Throws BAD_SUBSTITUTION. */
export function baseName(
  { escape }: Pick<Dockerfile, 'escape'>,
  { from }: Stage,
  globals: ReadonlyMap<string, string>,
): string {
  return expandWord(from.base, { escape, lookup: name => globals.get(name) })
}

/** The stage before `index` that a name or a number means. */
export function earlierStage({ stages }: Dockerfile, name: string, index: number): Stage | undefined {
  const wanted = name.toLowerCase()
  return stages.slice(0, index).find(stage => stage.name === wanted || `${stage.index}` === wanted)
}

/** The stages that the target needs, itself last: others are not built. */
export function neededStages(
  dockerfile: Dockerfile,
  target: string | undefined,
  globals: ReadonlyMap<string, string>,
): readonly Stage[] {
  const needed = new Set<Stage>()
  const visit = (stage: Stage): void => {
    if (needed.has(stage)) return
    needed.add(stage)
    const base = baseName(dockerfile, stage, globals)
    for (const name of [/^\d+$/.test(base) ? '' : base, ...stage.steps.flatMap(referencesOf)]) {
      const other = earlierStage(dockerfile, name, stage.index)
      if (other !== undefined) visit(other)
    }
  }
  visit(targetStage(dockerfile, target))
  return dockerfile.stages.filter(stage => needed.has(stage))
}

function referencesOf({ keyword, flags }: Instruction): readonly string[] {
  if (keyword === 'COPY') return [flagText(flags, 'from') ?? '']
  if (keyword !== 'RUN') return []
  return (flags.get('mount') ?? []).flatMap(mount => /(?:^|,)from=([^,]+)/.exec(mount)?.[1] ?? [])
}
