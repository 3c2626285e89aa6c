import { withDeadline } from '../../core/clock.ts'
import { errorMessage, failed, invalidInput, ShoalError, unavailable } from '../../core/errors.ts'
import type { Filters } from '../../docker-api/index.ts'
import type { Answer, ClusterNodes, NodeEngine } from './nodes.ts'

export interface NodeFailure {
  readonly node: string
  readonly error: unknown
}

/** What came of a change that several nodes were to make. */
export interface Outcomes<T> {
  readonly done: readonly Answer<T>[]
  readonly failures: readonly NodeFailure[]
}

/** Removing what is not used, and measuring disks, takes its time; a node that hangs must not hold its caller for ever. */
export const CHANGE_MS_MAX = 120_000

/** Has every node of the list do something, side by side, and tells which could and which could not. `signal` is aborted when time is up. */
export function onNodes<T>(
  among: readonly NodeEngine[],
  work: (node: NodeEngine, signal: AbortSignal) => Promise<T>,
  { clock }: Pick<ClusterNodes, 'clock'>,
): Promise<Outcomes<T>> {
  return outcomesOf(among, node =>
    withDeadline(signal => work(node, signal), CHANGE_MS_MAX, { clock, onTimeout: tookTooLong }),
  )
}

export function tookTooLong(): Error {
  return unavailable('NODE_SILENT', `it did not finish within ${CHANGE_MS_MAX / 1_000} s`)
}

/** The same for work that has a deadline of its own. */
export async function outcomesOf<T>(
  among: readonly NodeEngine[],
  work: (node: NodeEngine) => Promise<T>,
): Promise<Outcomes<T>> {
  const settled = await Promise.allSettled(among.map(work))
  const done: Answer<T>[] = []
  const failures: NodeFailure[] = []
  for (const [index, result] of settled.entries()) {
    const node = among[index]
    if (node === undefined) continue
    if (result.status === 'fulfilled') done.push({ node, value: result.value })
    else failures.push({ node: node.name, error: result.reason })
  }
  return { done, failures }
}

/** Whether a failure only says that the node does not have what is asked for. */
export function isMissing({ error }: NodeFailure): boolean {
  return error instanceof ShoalError && error.status === 404
}

/** The failures of several nodes in one error, with the status on which they agree; `told` is added, for what was done. */
export function joinFailures(failures: readonly NodeFailure[], told = ''): ShoalError {
  const statuses = new Set(failures.map(({ error }) => (error instanceof ShoalError ? error.status : 500)))
  const [status = 500] = statuses
  const message = failures.map(({ node, error }) => `${node}: ${errorMessage(error)}`).toSorted()
  const sentence = [...message, ...(told === '' ? [] : [told])].join('\n')
  return statuses.size === 1 ? new ShoalError('NODES_FAILED', status, sentence) : failed('NODES_FAILED', sentence)
}

/** Takes the filter `node` out of the others, and the nodes it names. Throws 503 if there is none. */
export function chooseNodes(
  { node: names, ...filters }: Filters,
  nodes: ClusterNodes,
): { readonly among: readonly NodeEngine[]; readonly filters: Filters } {
  const ready = nodes.ready()
  const among = names === undefined ? ready : ready.filter(({ name }) => names.includes(name))
  if (ready.length === 0) throw unavailable('NO_NODE', 'The cluster has no node that is up')
  if (among.length === 0) throw invalidInput('NO_SUCH_NODE', `No node that is up has the name ${names?.join(' or ')}`)
  return { among, filters }
}
