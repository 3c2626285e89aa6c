import type { CommandContext, Options } from '../../../command.ts'
import { explained } from '../../../engine/engine-api.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'
import type { Converging } from './converge.ts'

/** What work on one engine needs. */
export type EngineRun = Pick<Converging, 'engine' | 'clock' | 'signal' | 'tell' | 'warn' | 'stopping'>

/** The same where containers are started or stopped as their services want it. */
export type HookedRun = EngineRun & Pick<Converging, 'hooks' | 'onHookLine'>

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
    stopping: seconds === undefined ? {} : { timeoutMs: seconds * 1_000 },
  }
}

/** Tells what one engine refuses in docker's words. */
export async function asEngineTells<T>({ url }: Pick<ManagerApi, 'url'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explained(error, url)
  }
}
