import { conflict, invalidInput, notFound } from '../../core/errors.ts'
import type { Availability } from '../../core/model/node.ts'
import { unchanged } from '../loop/transactions.ts'
import type { ApplyPorts } from './apply.ts'

/** What an operator wants of a node; a label set to null is removed. */
export interface NodeChange {
  readonly labels?: Readonly<Record<string, string | null>>
  readonly availability?: Availability
}

const TRIES = 5
const LABEL = /^[a-zA-Z0-9][a-zA-Z0-9._/-]*$/

/** Stores an operator's intent for a node. Throws 404 `NO_SUCH_NODE`, 400 `BAD_LABEL`. */
export async function updateNode(
  name: string,
  change: NodeChange,
  ports: Pick<ApplyPorts, 'snapshot' | 'write'>,
): Promise<void> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const before = ports.snapshot().nodes.get(name)
    if (before === undefined) throw notFound('NO_SUCH_NODE', `No such node: ${name}`)
    const availability = change.availability ?? before.value.availability
    const value = JSON.stringify({ ...before.value, availability, labels: merge(before.value.labels, change.labels) })
    if (await ports.write({ compares: [unchanged(before)], operations: [{ put: before.key, value }] })) return
  }
  throw conflict('BUSY', `Cannot change node ${name}: it is being changed by others all the time; try again`)
}

function merge(before: Readonly<Record<string, string>>, change: NodeChange['labels'] = {}): Record<string, string> {
  const labels = { ...before }
  for (const [key, value] of Object.entries(change)) {
    if (!LABEL.test(key)) throw invalidInput('BAD_LABEL', `Cannot use label "${key}": use letters, digits and . _ / -`)
    if (value === null) delete labels[key]
    else labels[key] = value
  }
  return labels
}
