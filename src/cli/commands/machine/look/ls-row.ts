import type { MachineLook } from './look-at.ts'

/** One machine of the list. */
export interface LsRow extends MachineLook {
  readonly name: string
  readonly driver: string
  readonly url: string
  /** `-`, `*`, or `* (swarm)` where $DOCKER_HOST points at its manager. */
  readonly active: string
  /** Name of the machine that manages its cluster, `X (master)` on that machine; empty: none. */
  readonly swarm: string
  readonly labels: Readonly<Record<string, string>>
}
