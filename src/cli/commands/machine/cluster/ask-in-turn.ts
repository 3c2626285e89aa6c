import { errorMessage, unavailable } from '../../../../core/errors.ts'
import type { Machine } from '../../../../machine/index.ts'

/**
 * What the first of a cluster's managers answers that can be asked. Throws what the only one throws, and NO_MANAGER with what became of
 * each where there are several.
 */
export async function askInTurn<T>(
  masters: readonly Machine[],
  signal: AbortSignal,
  ask: (master: Machine) => Promise<T>,
): Promise<T> {
  const failures: string[] = []
  for (const master of masters) {
    try {
      return await ask(master)
    } catch (error) {
      signal.throwIfAborted()
      if (masters.length === 1) throw error
      failures.push(`"${master.name}": ${errorMessage(error)}`)
    }
  }
  throw unavailable(
    'NO_MANAGER',
    `No manager of the cluster can be asked:\n${failures.join('\n')}\nStart one of these machines again`,
  )
}
