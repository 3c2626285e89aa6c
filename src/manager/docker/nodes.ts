import { type Clock, withDeadline } from '../../core/clock.ts'
import { unavailable } from '../../core/errors.ts'
import type { MemberRecord } from '../../core/model/node.ts'
import type { ClientTls, Engine } from '../../docker-api/index.ts'

export interface NodeEngine {
  readonly name: string
  readonly member: MemberRecord
  readonly engine: Engine
}

/** The engines of the nodes that are up, as the manager's Docker API asks them. */
export interface ClusterNodes {
  /** Nodes that are up, by name. */
  readonly ready: () => readonly NodeEngine[]
  readonly clock: Clock
  readonly capVersion: (path: string, node: NodeEngine) => Promise<string>
  /** Nodes on which a container of this name, or id, is known to have been made for a task. */
  readonly likely: (reference: string) => readonly string[]
  /** What is shown to nodes that speak TLS. */
  readonly tls?: ClientTls
}

export interface Answer<T> {
  readonly node: NodeEngine
  readonly value: T
}

/** One node that hangs must not hang the cluster's answer. */
const NODE_TIMEOUT_MS = 2_000

/** Asks every node at once. Nodes that fail, or do not answer in time, are left out. */
export async function askAll<T>(
  { ready, clock }: ClusterNodes,
  work: (engine: Engine, node: NodeEngine) => Promise<T>,
): Promise<Answer<T>[]> {
  const asked = ready().map(async (node): Promise<Answer<T>> => {
    const onTimeout = (): Error => unavailable('NODE_SILENT', `Node ${node.name} does not answer`)
    const value = await withDeadline(() => work(node.engine, node), NODE_TIMEOUT_MS, { clock, onTimeout })
    return { node, value }
  })
  const settled = await Promise.allSettled(asked)
  return settled.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
}
