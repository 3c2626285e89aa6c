import { failed, notFound } from '../../../src/core/errors.ts'
import type { ContainerCreateRequest, ContainerInspect, Engine } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode } from './front-lab.ts'

export interface FleetContainer {
  readonly node: string
  readonly name: string
  readonly request: ContainerCreateRequest
  isRunning: boolean
}

/** What several nodes have made, by id. */
export class Fleet {
  readonly containers = new Map<string, FleetContainer>()
  /** Names of containers that no node makes. */
  refused: ReadonlySet<string> = new Set()
  #count = 0

  /** Adds nodes to the lab whose engines create and start containers, each answer a turn later than it was asked for. */
  async add(...names: readonly string[]): Promise<void> {
    for (const name of names) await addNode(name, this.#engineOf(name))
  }

  on(node: string): FleetContainer[] {
    return [...this.containers.values()].filter(container => container.node === node)
  }

  named(name: string): FleetContainer | undefined {
    return [...this.containers.values()].find(container => container.name === name)
  }

  #engineOf(node: string): Engine {
    const find = (reference: string): [string, FleetContainer] => {
      const all = [...this.containers].filter(([, container]) => container.node === node)
      const found = all.find(([id, { name }]) => id === reference || name === reference)
      if (found === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${reference}`)
      return found
    }
    return stubEngine({
      version: async () => ({ ApiVersion: '1.41' }) as never,
      networks: { list: async () => [] },
      containers: {
        list: async () => [],
        inspect: async reference => inspectOf(...find(reference)),
        create: async (request, { name = '' }) => {
          await new Promise(setImmediate)
          if (this.refused.has(name)) throw failed('NO_SPACE', 'no space left on device')
          const id = String(++this.#count).padStart(64, 'c')
          this.containers.set(id, { node, name, request, isRunning: false })
          return { Id: id, Warnings: [] }
        },
        start: async reference => {
          await new Promise(setImmediate)
          find(reference)[1].isRunning = true
          return true
        },
      },
    })
  }
}

function inspectOf(Id: string, { name, request, isRunning }: FleetContainer): ContainerInspect {
  const State = { Status: isRunning ? 'running' : 'created', Running: isRunning }
  const inspect = { Id, Name: `/${name}`, Config: request, State, HostConfig: request.HostConfig ?? {} }
  return inspect as unknown as ContainerInspect
}
