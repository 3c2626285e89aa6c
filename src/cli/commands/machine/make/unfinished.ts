import { EXIT_CODES, errorMessage } from '../../../../core/errors.ts'
import type { MachineCommand } from '../machine-command.ts'
import type { StepWatch } from './watch-steps.ts'

interface Around extends Pick<MachineCommand, 'store'> {
  readonly context: Pick<MachineCommand['context'], 'signal'>
}

/**
 * Does the work of making a machine, and has the store say, until that has come to its end, that it is not whole and why. Of a machine
 * that was made once nothing of the kind is said: it is there, whatever a later run fails at.
 */
export async function untilWhole(
  name: string,
  { store, context }: Around,
  steps: StepWatch,
  work: () => Promise<number>,
): Promise<number> {
  const isWhole = (await store.has(name)) && (await store.unfinished(name)) === undefined
  if (isWhole) return work()
  const stopped = async (error: string | undefined): Promise<void> => {
    // What was refused before anything was kept leaves nothing behind.
    if (!(await store.has(name))) return
    await store.setUnfinished(name, { step: steps.at(), ...(error === undefined ? {} : { error }) })
  }
  try {
    const code = await work()
    if (code === EXIT_CODES.done) await store.setUnfinished(name, undefined)
    else await stopped(steps.failure())
    return code
  } catch (error) {
    // A store that cannot be written to must not hide why the work failed: that may be the same reason.
    await stopped(context.signal.aborted ? undefined : errorMessage(error)).catch(() => {})
    throw error
  }
}
