import type { EtcdOptions } from './etcd-store.ts'
import { openEtcdWire } from './etcd-wire.ts'

/** An etcd that keeps a copy of the store, or is to. */
export interface StoreMember {
  readonly id: string
  /** Empty until it has started for the first time. */
  readonly name: string
  readonly peerUrls: readonly string[]
  /** It gets every change, and neither votes nor answers. */
  readonly isLearner: boolean
}

/** Who keeps a store together. The calls are etcd's own: they are refused where they would leave too few that are alive. */
export interface EtcdMembers {
  readonly list: () => Promise<readonly StoreMember[]>
  /** Adds a learner; resolves with all there are then. */
  readonly add: (peerUrl: string) => Promise<readonly StoreMember[]>
  /** Has a learner vote. Refused until it has caught up. */
  readonly promote: (id: string) => Promise<void>
  /** Says where the others reach a member from now on. */
  readonly move: (id: string, peerUrl: string) => Promise<void>
  readonly remove: (id: string) => Promise<void>
  readonly close: () => void
}

export function createEtcdMembers(options: EtcdOptions): EtcdMembers {
  const { cluster, close } = openEtcdWire(options)
  return {
    async list() {
      // What an endpoint knows by itself may be old, and what is decided by it cannot be taken back. Before 3.5 etcd does not look.
      const { members } = await cluster((calls, deadline) => calls.memberList({ linearizable: true }, deadline))
      return members.map(memberOf)
    },
    async add(peerUrl) {
      const wanted = { peerURLs: [peerUrl], isLearner: true }
      const { members } = await cluster((calls, deadline) => calls.memberAdd(wanted, deadline))
      return members.map(memberOf)
    },
    async promote(ID) {
      await cluster((calls, deadline) => calls.memberPromote({ ID }, deadline))
    },
    async move(ID, peerUrl) {
      await cluster((calls, deadline) => calls.memberUpdate({ ID, peerURLs: [peerUrl] }, deadline))
    },
    async remove(ID) {
      await cluster((calls, deadline) => calls.memberRemove({ ID }, deadline))
    },
    close,
  }
}

function memberOf(given: {
  readonly ID: string
  readonly name: string
  readonly peerURLs: readonly string[]
  readonly isLearner: boolean
}): StoreMember {
  return { id: given.ID, name: given.name, peerUrls: given.peerURLs, isLearner: given.isLearner }
}
