import type { ClusterView } from '../cluster-view.ts'

/** A container as filters see it. */
export interface PlacedContainer {
  readonly id: string
  /** Without a slash. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** With the host's network: the ports it says it uses, such as `80/tcp`. */
  readonly hostModePorts: readonly string[]
}

/** An image as filters see it. */
export interface NodeImage {
  readonly id: string
  /** `redis:7`, `registry.example/app:1`. */
  readonly tags: readonly string[]
}

/** Everything that a container may be placed by: nodes with what is taken up on them, and what lies on each. */
export interface ClusterContents {
  readonly view: ClusterView
  readonly containersOn: (node: string) => Iterable<PlacedContainer>
  readonly imagesOn: (node: string) => Iterable<NodeImage>
  /** Nodes of the containers of this name or id. */
  readonly nodesOf: (container: string) => readonly string[]
}
