import type { MemberRecord, NodeRecord } from '../../core/model/node.ts'
import type { Round } from './round.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * A node as the orchestrators see it. `ready`: its agent holds its lease. `absent`: it does not, but may be back any
 * moment. `lost`: it had its chance, its tasks run elsewhere from now on.
 */
export interface NodeState {
  readonly name: string
  readonly presence: 'ready' | 'absent' | 'lost'
  readonly record: NodeRecord
  readonly member: MemberRecord
}

export function nodeStates(snapshot: Snapshot, round: Pick<Round, 'monotonicMs' | 'observations' | 'options'>) {
  const states = new Map<string, NodeState>()
  for (const [name, { value: member }] of snapshot.members) {
    states.set(name, { name, presence: 'ready', record: recordOf(snapshot, member), member })
  }
  for (const [name, { value: record }] of snapshot.nodes) {
    if (states.has(name)) continue
    const sinceMs = round.observations.absentSinceMs.get(name) ?? round.monotonicMs
    const presence = round.monotonicMs - sinceMs >= round.options.graceMs ? 'lost' : 'absent'
    states.set(name, { name, presence, record, member: record.lastSeen })
  }
  return states as ReadonlyMap<string, NodeState>
}

/** What is recorded of a member, or will be: a node without a record is active and without labels. */
function recordOf(snapshot: Snapshot, member: MemberRecord): NodeRecord {
  const known = snapshot.nodes.get(member.name)?.value
  const intent = known ?? { name: member.name, labels: {}, availability: 'active' as const }
  return { ...intent, memberId: member.id, lastSeen: member }
}
