import { invalidInput } from '../../core/errors.ts'
import { hostPlatform } from '../images/index.ts'
import { imageState } from './base-image.ts'
import { type Build, inRed, type StageScope } from './build.ts'
import { cachedStep } from './cache/cached-step.ts'
import { withoutCommand } from './created-by.ts'
import { parseDockerfile, type Stage } from './dockerfile/dockerfile.ts'
import { expandWord } from './dockerfile/expand.ts'
import { flagText } from './dockerfile/flags.ts'
import type { Instruction } from './dockerfile/instructions.ts'
import { baseName, earlierStage, neededStages } from './stage-plan.ts'
import { type BuildState, stateId } from './state.ts'
import { declareArgs, EPOCH_ARG, PROXY_ARGS } from './steps/build-args.ts'
import { configChange } from './steps/config-steps.ts'
import { copyStep } from './steps/copy-step.ts'
import { runStep } from './steps/run-step.ts'
import { workdirStep } from './steps/workdir-step.ts'

/** Runs the stages that the target needs and resolves with the target's final state. */
export async function runBuild(build: Build): Promise<BuildState> {
  const { dockerfile, options, report } = build
  const stages = neededStages(dockerfile, options.target, build.globals)
  const labels = labelStep(options.labels)
  const steps = stages.reduce((sum, stage) => sum + 1 + stage.steps.length, 0)
  const total = dockerfile.globals.length + steps + labels.length
  let number = 0
  const announce = ({ text }: { readonly text: string }): void =>
    report({ stream: `Step ${++number}/${total} : ${text}\n` })
  if (dockerfile.warnings.length > 0) report({ stream: inRed(`${dockerfile.warnings.join('\n')}\n`) })
  dockerfile.globals.forEach(announce)
  const done = new Map<Stage, BuildState>()
  const runStage = async (stage: Stage, more: readonly Instruction[]): Promise<BuildState> => {
    const known = done.get(stage)
    if (known !== undefined) return known
    const scope = scopeOf(build, stage, earlier => runStage(earlier, []))
    announce(stage.from)
    let state = await beginStage(build, stage, scope)
    report({ stream: ` ---> ${stateId(state).slice(7, 19)}\n` })
    for (const step of [...stage.steps, ...more]) {
      build.signal.throwIfAborted()
      announce(step)
      state = await runInstruction(build, step, { state, scope })
      report({ stream: ` ---> ${stateId(state).slice(7, 19)}\n` })
    }
    done.set(stage, state)
    return state
  }
  for (const stage of stages.slice(0, -1)) await runStage(stage, [])
  const last = stages.at(-1)
  const result = last === undefined ? undefined : await runStage(last, labels)
  warnUnused(build)
  if (result !== undefined && stateId(result) !== '') return result
  throw invalidInput('NOTHING_BUILT', 'No image was generated. Is your Dockerfile empty?')
}

function scopeOf(
  { dockerfile }: Build,
  { index, name }: Stage,
  run: (stage: Stage) => Promise<BuildState>,
): StageScope {
  return {
    index,
    earlier: async wanted => {
      if (wanted === `${index}`) {
        throw invalidInput('BAD_FROM', `invalid from flag value ${wanted}: refers to current build stage`)
      }
      const stage = earlierStage(dockerfile, wanted, index)
      if (stage !== undefined) return run(stage)
      if (!/^\d+$/.test(wanted) && wanted.toLowerCase() !== name) return undefined
      throw invalidInput('BAD_FROM', `invalid from flag value ${wanted}: there is no such stage before this one`)
    },
  }
}

async function beginStage(build: Build, stage: Stage, scope: StageScope): Promise<BuildState> {
  const { dockerfile, globals, report } = build
  const platform = flagText(stage.from.flags, 'platform') ?? ''
  checkPlatform(expandWord(platform, { escape: dockerfile.escape, lookup: name => globals.get(name) }))
  const name = baseName(dockerfile, stage, globals)
  if (name === '') throw invalidInput('NO_BASE', `base name (${stage.from.base}) should not be blank`)
  const earlier = /^\d+$/.test(name) ? undefined : await scope.earlier(name).catch(() => undefined)
  const state = { ...(earlier ?? (await imageState(build, name))), args: {}, ownCommand: false }
  const triggers = state.config.OnBuild ?? []
  if (triggers.length === 0) return state
  report({ stream: `# Executing ${triggers.length} build trigger${triggers.length > 1 ? 's' : ''}\n` })
  const { OnBuild: _, ...config } = state.config
  let current: BuildState = { ...state, config }
  for (const trigger of triggers) {
    current = await runInstruction(build, parseTrigger(trigger), { state: current, scope })
  }
  return current
}

function parseTrigger(trigger: string): Instruction {
  const [step, ...more] = parseDockerfile(`FROM scratch\n${trigger}`).stages[0]?.steps ?? []
  if (step !== undefined && more.length === 0) return step
  throw invalidInput('DOCKERFILE', 'onbuild trigger should be a single expression')
}

/** Throws BAD_PLATFORM for one that this host cannot run. */
export function checkPlatform(wanted: string): void {
  const { os, architecture } = hostPlatform()
  const [wantedOs = '', wantedArchitecture = architecture] = wanted.toLowerCase().split('/')
  if (wanted === '' || (wantedOs === os && wantedArchitecture === architecture)) return
  throw invalidInput('BAD_PLATFORM', `The platform ${wanted} cannot be built here: this host is ${os}/${architecture}`)
}

interface StepStart {
  readonly state: BuildState
  readonly scope: StageScope
}

async function runInstruction(build: Build, step: Instruction, start: StepStart): Promise<BuildState> {
  const state = await stateAfter(build, step, start)
  build.stepImages.add(state, start.state)
  return state
}

async function stateAfter(build: Build, step: Instruction, { state, scope }: StepStart): Promise<BuildState> {
  switch (step.keyword) {
    case 'ARG': {
      const { args, text } = declareArgs(build, step, state)
      return { ...(await cachedStep(build, state, { createdBy: withoutCommand(state, text) })), args }
    }
    case 'RUN':
      return runStep(build, step, { state, scope })
    case 'COPY':
    case 'ADD':
      return copyStep(build, step, { state, scope })
    case 'WORKDIR':
      return workdirStep(build, step, state)
    default:
      return configStep(build, step, state)
  }
}

async function configStep(build: Build, step: Instruction, state: BuildState): Promise<BuildState> {
  const change = configChange(step, state, build.dockerfile.escape)
  if (change === undefined) throw invalidInput('DOCKERFILE', `${step.keyword} cannot stand here`)
  const { config, text, author } = change
  // The shell of a SHELL instruction speaks of itself already.
  const shown = step.keyword === 'SHELL' ? { ...state, config: { ...state.config, ...config } } : state
  const named = author === undefined ? state : { ...state, author }
  const next = await cachedStep(build, named, { config, createdBy: withoutCommand(shown, text) })
  return { ...next, ownCommand: state.ownCommand || step.keyword === 'CMD' }
}

/** Labels of the request are the last step of the target. */
function labelStep(labels: Readonly<Record<string, string>>): readonly Instruction[] {
  const pairs = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }))
  if (pairs.length === 0) return []
  const text = `LABEL ${pairs.map(({ name, value }) => `${name}=${value}`).join(' ')}`
  return [{ keyword: 'LABEL', pairs, isLiteral: true, flags: new Map(), heredocs: [], line: 0, text }]
}

function warnUnused({ options, usedArgs, report }: Build): void {
  const unused = Object.keys(options.buildArgs).filter(
    name => !usedArgs.has(name) && !PROXY_ARGS.includes(name) && name !== EPOCH_ARG,
  )
  if (unused.length > 0)
    report({ stream: `[Warning] One or more build-args [${unused.join(' ')}] were not consumed\n` })
}
