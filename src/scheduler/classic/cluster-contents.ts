import type { ClusterView } from '../view/cluster-view.ts'
import { Facet, type NodeCounts } from './facet.ts'

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

interface Placed {
  readonly node: string
  readonly container: PlacedContainer
}

/** Labels that affinities asked for lately: each has an index. */
const LABELS_MAX = 32
const SHORT_ID = 12

/**
 * What lies on the nodes of a cluster, besides what it takes up there (`view`). Kept up to date piece by piece; a question
 * costs the same however many containers there are.
 */
export class ClusterContents {
  readonly view: ClusterView
  /** By node and id. */
  readonly #containers = new Map<string, Placed>()
  readonly #shortIds = new Map<string, Set<Placed>>()
  readonly #names = new Facet()
  readonly #hostPorts = new Facet()
  readonly #images = new Facet()
  readonly #volumes = new Facet()
  /** The one used last is the last. */
  readonly #labels = new Map<string, Facet>()
  readonly #imagesOn = new Map<string, readonly string[]>()
  readonly #volumesOn = new Map<string, readonly string[]>()
  #networks: ReadonlySet<string> = new Set()

  constructor(view: ClusterView) {
    this.view = view
  }

  /** Adds a container, or takes over what changed about the one with this id on this node: another may claim the same id. */
  setContainer(node: string, container: PlacedContainer): void {
    const key = keyOf(node, container.id)
    if (this.#containers.get(key)?.container === container) return
    this.removeContainer(node, container.id)
    const placed = { node, container }
    this.#containers.set(key, placed)
    this.#account(placed, 'add')
    const short = container.id.slice(0, SHORT_ID)
    this.#shortIds.set(short, (this.#shortIds.get(short) ?? new Set()).add(placed))
  }

  /** Returns what was removed; one that is unknown is fine. */
  removeContainer(node: string, id: string): Placed | undefined {
    const key = keyOf(node, id)
    const placed = this.#containers.get(key)
    if (placed === undefined) return undefined
    this.#containers.delete(key)
    this.#account(placed, 'remove')
    const short = id.slice(0, SHORT_ID)
    const alike = this.#shortIds.get(short)
    alike?.delete(placed)
    if (alike?.size === 0) this.#shortIds.delete(short)
    return placed
  }

  /** Replaces all that is known of a node's images. */
  setImages(node: string, images: readonly NodeImage[]): void {
    replace(this.#images, node, { before: this.#imagesOn, values: [...new Set(images.flatMap(imageNames))] })
  }

  /** Replaces all that is known of a node's named volumes. */
  setVolumes(node: string, names: readonly string[]): void {
    replace(this.#volumes, node, { before: this.#volumesOn, values: [...new Set(names)] })
  }

  /** Replaces which networks there are that span nodes. */
  setNetworks(names: Iterable<string>): void {
    this.#networks = new Set(names)
  }

  /** Whether a network of this name spans nodes. */
  spansNodes(network: string): boolean {
    return this.#networks.has(network)
  }

  /** Nodes with something that an affinity means: `container`, `image`, or a label's name. */
  nodesWith(key: string, value: string): NodeCounts {
    if (key === 'container') return this.#names.nodesOf(value)
    return (key === 'image' ? this.#images : this.#label(key)).nodesOf(value)
  }

  nodesWithVolume(name: string): NodeCounts {
    return this.#volumes.nodesOf(name)
  }

  /** Nodes where a container with the host's network says that it uses this port, such as `80/tcp`. */
  nodesWithHostPort(port: string): NodeCounts {
    return this.#hostPorts.nodesOf(port)
  }

  /** Nodes of the containers of this name or id; as docker takes ids, their beginning will do. */
  nodesOf(container: string): readonly string[] {
    const named = this.#names.nodesOf(container)
    if (named.size > 0 || !/^[0-9a-f]{12,}$/.test(container)) return [...named.keys()]
    const alike = this.#shortIds.get(container.slice(0, SHORT_ID)) ?? []
    return [...new Set([...alike].flatMap(placed => (placed.container.id.startsWith(container) ? placed.node : [])))]
  }

  #account({ node, container }: Placed, change: 'add' | 'remove'): void {
    const { id, name, labels, hostModePorts } = container
    for (const value of name === '' || name === id ? [id] : [id, name]) this.#names[change](value, node)
    for (const port of new Set(hostModePorts)) this.#hostPorts[change](port, node)
    for (const [key, facet] of this.#labels) facet[change](labels[key] ?? '', node)
  }

  #label(key: string): Facet {
    const facet = this.#labels.get(key) ?? this.#index(key)
    this.#labels.delete(key)
    this.#labels.set(key, facet)
    const [oldest] = this.#labels.keys()
    if (this.#labels.size > LABELS_MAX && oldest !== undefined) this.#labels.delete(oldest)
    return facet
  }

  #index(key: string): Facet {
    const facet = new Facet()
    // As in classic Swarm, a label that is missing is an empty text.
    for (const { node, container } of this.#containers.values()) facet.add(container.labels[key] ?? '', node)
    return facet
  }
}

/** What no two containers share, even if an engine lies about ids. */
function keyOf(node: string, id: string): string {
  return `${node}/${id}`
}

/** An image answers to its id, its names, and its names without their tag. */
function imageNames({ id, tags }: NodeImage): readonly string[] {
  return [id, ...tags, ...tags.map(tag => tag.replace(/:[^:/]*$/, ''))]
}

function replace(
  facet: Facet,
  node: string,
  { before, values }: { readonly before: Map<string, readonly string[]>; readonly values: readonly string[] },
): void {
  for (const value of before.get(node) ?? []) facet.remove(value, node)
  for (const value of values) facet.add(value, node)
  if (values.length === 0) before.delete(node)
  else before.set(node, values)
}
