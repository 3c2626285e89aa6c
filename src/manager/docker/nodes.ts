import { type Clock, withDeadline } from '../../core/clock.ts'
import { unavailable } from '../../core/errors.ts'
import type { MemberRecord } from '../../core/model/node.ts'
import { mapParallel } from '../../core/parallel.ts'
import type { ClientTls, Engine } from '../../docker-api/index.ts'
import type { Connections } from '../http/connections.ts'
import type { Inventory } from '../inventory/index.ts'
import type { ExecNodes } from './containers/exec-nodes.ts'
import type { BuiltImages } from './images/built-images.ts'
import type { LostNodes } from './lost-nodes.ts'

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
  /** What requests are handed on over. */
  readonly connections: Connections
  readonly capVersion: (path: string, node: NodeEngine) => Promise<string>
  /** Who has the exec instances that were made through this manager. */
  readonly execs?: ExecNodes
  /** What was built and imported through this manager. */
  readonly built?: BuiltImages
  /** Whom to wait for no longer. */
  readonly lost?: LostNodes
  /** What is known of the nodes without asking them. */
  readonly inventory: Inventory
  /** What is shown to nodes that speak TLS. */
  readonly tls?: ClientTls
}

export interface Answer<T> {
  readonly node: NodeEngine
  readonly value: T
}

/** One node that hangs must not hang the cluster's answer. */
export const NODE_TIMEOUT_MS = 2_000

/** So that one question to a large cluster does not take all its sockets. */
const ASKED_AT_ONCE = 256

/** The nodes that are worth asking: those that are known not to answer would only be waited for. */
export function answeringNodes({ ready, inventory }: ClusterNodes): readonly NodeEngine[] {
  return ready().filter(({ name }) => inventory.node(name)?.condition !== 'broken')
}

/** Asks every node that answers. Nodes that fail, or do not answer within `ms`, are left out; then `signal` is aborted. */
export async function askAll<T>(
  nodes: ClusterNodes,
  work: (engine: Engine, node: NodeEngine, signal: AbortSignal) => Promise<T>,
  ms = NODE_TIMEOUT_MS,
): Promise<Answer<T>[]> {
  const answers = await mapParallel(answeringNodes(nodes), ASKED_AT_ONCE, async (node): Promise<Answer<T>[]> => {
    const onTimeout = (): Error => unavailable('NODE_SILENT', `Node ${node.name} does not answer`)
    try {
      const value = await withDeadline(signal => work(node.engine, node, signal), ms, {
        clock: nodes.clock,
        onTimeout,
      })
      return [{ node, value }]
    } catch {
      return []
    }
  })
  return answers.flat()
}
