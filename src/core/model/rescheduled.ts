/**
 * A container with the policy `reschedule:on-node-failure`, as it was when its node last told of it. Key
 * `reschedules/<swarm id>`: it outlives the node, so that the container can be made anew elsewhere.
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
  /** Networks it is connected to once it is made: bodies of `POST /networks/{name}/connect`, without the container. */
  readonly networks: Readonly<Record<string, object>>
}
