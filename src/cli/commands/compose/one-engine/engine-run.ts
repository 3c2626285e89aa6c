import type { CommandContext, Options } from '../../../command.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'
import type { Converging } from './converge.ts'

/** What work on one engine needs. */
export type EngineRun = Pick<Converging, 'engine' | 'clock' | 'signal' | 'tell' | 'warn' | 'timeoutMs'>

export function engineRun(
  api: ManagerApi,
  { context, progress, options }: { context: CommandContext; progress: Progress; options: Options },
): EngineRun {
  const seconds = options.number('timeout')
  return {
    engine: api.engine,
    clock: context.clock,
    signal: context.signal,
    tell: progress.tell,
    warn: progress.warn,
    timeoutMs: seconds === undefined ? undefined : seconds * 1_000,
  }
}
