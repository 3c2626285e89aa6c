import type { CommandContext } from '../../../command.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import { tameLine } from '../../../output/tame-line.ts'
import type { HookedRun } from '../one-engine/engine-run.ts'

export interface HookLines {
  /** Services whose output is shown, that of their hooks included. */
  readonly services: readonly string[]
  readonly isPrefixed: boolean
  readonly progress: Pick<Progress, 'between'>
  readonly stdout: Pick<CommandContext['stdout'], 'write'>
}

/** Shows what hooks write, as `web-1 -> | line`. Containers are still being started then: the lines stand above what is told of that. */
export function showHookLines({
  services,
  isPrefixed,
  progress,
  stdout,
}: HookLines): NonNullable<HookedRun['onHookLine']> {
  return ({ service, number }, line) => {
    if (!services.includes(service)) return
    const text = isPrefixed ? `${service}-${number} -> | ${tameLine(line)}` : line
    progress.between(() => void stdout.write(`${text}\n`))
  }
}
