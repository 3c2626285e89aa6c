import type { StoreMember } from './etcd-members.ts'

/** What is to be done next for a member to start that has no data yet. */
export type JoinStep =
  /** It is expected. */
  | { readonly kind: 'start' }
  | { readonly kind: 'add' }
  /** It was there before and has lost its data: etcd would take its empty copy for what it had agreed to. */
  | { readonly kind: 'forget'; readonly id: string }
  /** etcd bears one learner at a time: the one that is there has to vote first. */
  | { readonly kind: 'promote'; readonly id: string; readonly url: string }
  /** Another is about to start; where it is to be reached. */
  | { readonly kind: 'wait'; readonly url: string }
  /** This one answers on its own host alone. */
  | { readonly kind: 'apart'; readonly url: string }

const OWN_HOST = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):/

/** How the member with this peer URL, whose directory is empty, comes into a store. */
export function planJoin(members: readonly StoreMember[], peerUrl: string): JoinStep {
  const own = members.find(({ peerUrls }) => peerUrls.includes(peerUrl))
  if (own !== undefined) return own.name === '' ? { kind: 'start' } : { kind: 'forget', id: own.id }
  const apart = members.flatMap(({ peerUrls }) => peerUrls).find(url => OWN_HOST.test(url))
  if (apart !== undefined && !OWN_HOST.test(peerUrl)) return { kind: 'apart', url: apart }
  const learner = members.find(({ isLearner }) => isLearner)
  if (learner === undefined) return { kind: 'add' }
  if (learner.name === '') return { kind: 'wait', url: learner.peerUrls[0] ?? '' }
  return { kind: 'promote', id: learner.id, url: learner.peerUrls[0] ?? '' }
}

/**
 * Whether a learner is to vote. An even number of voters bears no more losses than one fewer, and has one more that can fail: of two,
 * each would stop the cluster by its loss. So the second keeps a copy until there is a third.
 */
export function isToVote(members: readonly StoreMember[], id: string): boolean {
  const voters = members.filter(({ isLearner }) => !isLearner)
  const isLearner = members.some(each => each.id === id && each.isLearner)
  return isLearner && voters.length % 2 === 0
}

/** Who is taken out with the manager whose etcd is reached there; undefined: nobody. Who is alone keeps the store, whatever becomes of its manager. */
export function planLeave(members: readonly StoreMember[], peerUrl: string): string | undefined {
  return members.length === 1 ? undefined : members.find(({ peerUrls }) => peerUrls.includes(peerUrl))?.id
}
