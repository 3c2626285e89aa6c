/** A place where a container was, and may still be found when its node returns. */
export interface FormerPlace {
  readonly node: string
  /** Absent: it may have been made there, and nobody could note so. */
  readonly containerId?: string
}

/**
 * A container with the policy `reschedule:on-node-failure`. Key `reschedules/<swarm id>`: it outlives the node, so that the
 * container can be made anew elsewhere. Written by managers alone: what it is made from is what its creator asked for, not what a
 * node says of it.
 */
export interface RescheduledContainer {
  /** `com.docker.swarm.id`: what it keeps, whatever node it is on. */
  readonly swarmId: string
  /** Without a slash. */
  readonly name: string
  readonly node: string
  readonly containerId: string
  /** It is started where it is made anew. */
  readonly running: boolean
  /** Body of `POST /containers/create`. */
  readonly request: object
  readonly platform?: string
  /** What became of its networks since: joined with these wishes (`POST /networks/x/connect`), or left (null). By name. */
  readonly networks?: Readonly<Record<string, object | null>>
  /** The node on which it is being made anew. */
  readonly movingTo?: string
  /** What is to be removed once its node is back. */
  readonly left: readonly FormerPlace[]
}
