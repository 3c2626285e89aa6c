import { SWARM_ID_LABEL } from '../../core/model/labels.ts'
import type { HeldContainer } from './held-container.ts'
import { type ContainerBlock, SortedContainers } from './sorted-containers.ts'

/** Containers by what people call them. */
export class ContainerIndex {
  readonly #byId = new Map<string, readonly HeldContainer[]>()
  readonly #byName = new Map<string, readonly HeldContainer[]>()
  readonly #bySwarmId = new Map<string, readonly HeldContainer[]>()
  readonly #sorted = new SortedContainers()

  replace(before: HeldContainer | undefined, now: HeldContainer | undefined): void {
    for (const [index, key] of this.#keysOf(before)) remove(index, key, before)
    for (const [index, key] of this.#keysOf(now))
      index.set(key, [...(index.get(key) ?? []), ...(now === undefined ? [] : [now])])
    if (before !== undefined && now !== undefined) this.#sorted.replace(before, now)
    else if (before !== undefined) this.#sorted.remove(before)
    else if (now !== undefined) this.#sorted.add(now)
  }

  /** All of them, the newest first. */
  blocks(): readonly ContainerBlock[] {
    return this.#sorted.blocks
  }

  named(name: string): readonly HeldContainer[] {
    return this.#byName.get(name) ?? []
  }

  /** In classic Swarm's order (cluster/container.go): ids, its own ids, names, and beginnings of either id. */
  find(reference: string): readonly HeldContainer[] {
    const bare = reference.replace(/^\//, '')
    const exact = this.#byId.get(bare) ?? this.#bySwarmId.get(bare) ?? this.#ofName(bare)
    return exact.length > 0 || !/^[0-9a-f]+$/.test(bare) ? exact : this.#startingWith(bare)
  }

  #ofName(bare: string): readonly HeldContainer[] {
    const whole = this.named(bare)
    const slash = bare.indexOf('/')
    if (whole.length > 0 || slash < 0) return whole
    const node = bare.slice(0, slash)
    const rest = bare.slice(slash + 1)
    return this.find(rest).filter(container => container.node === node)
  }

  #startingWith(digits: string): HeldContainer[] {
    const found: HeldContainer[] = []
    for (const [id, containers] of this.#byId) if (id.startsWith(digits)) found.push(...containers)
    if (found.length > 0) return found
    for (const [id, containers] of this.#bySwarmId) if (id.startsWith(digits)) found.push(...containers)
    return found
  }

  #keysOf(container: HeldContainer | undefined): (readonly [Map<string, readonly HeldContainer[]>, string])[] {
    if (container === undefined) return []
    const swarmId = container.labels[SWARM_ID_LABEL]
    return [
      [this.#byId, container.id],
      [this.#byName, container.name],
      ...(swarmId === undefined ? [] : [[this.#bySwarmId, swarmId] as const]),
    ]
  }
}

function remove(index: Map<string, readonly HeldContainer[]>, key: string, container: HeldContainer | undefined): void {
  const left = (index.get(key) ?? []).filter(other => other !== container)
  if (left.length === 0) index.delete(key)
  else index.set(key, left)
}
