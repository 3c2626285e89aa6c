import { conflict, notFound, ShoalError } from '../../../core/errors.ts'
import type { NodeDetails, NodeView } from '../../../core/model/control-api.ts'
import { type ClientTls, createDockerClient } from '../../../docker-api/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { portsFor } from '../../engine/open-client.ts'
import { managerAddress } from '../../manager/manager-address.ts'
import { explainUnreachable } from '../../manager/unreachable.ts'

/** What the commands on nodes ask of the manager. */
export interface NodeApi {
  readonly list: () => Promise<readonly NodeView[]>
  /** Throws NO_SUCH_NODE. */
  readonly details: (name: string) => Promise<NodeDetails>
  readonly call: (method: string, path: string, body?: object) => Promise<unknown>
}

/** Does something with the manager that the invocation names, and hangs up. `tls`: instead of what the invocation says. */
export async function withManager<T>(
  invocation: Invocation,
  context: CommandContext,
  work: (api: NodeApi) => Promise<T>,
  tls?: ClientTls,
): Promise<T> {
  const address = await managerAddress(invocation, context)
  const at = { address: address.url, wanted: 'manager' as const }
  const ports = portsFor(at, invocation, context)
  const client = createDockerClient(at.address, tls === undefined ? ports : { ...ports, tls })
  const call: NodeApi['call'] = async (method, path, body) => {
    try {
      return await client.requestJson(method, path, body, context.signal)
    } catch (error) {
      throw refusal(error) ?? explainUnreachable(address, error)
    }
  }
  try {
    return await work({
      call,
      list: async () => (await call('GET', '/v1/nodes')) as readonly NodeView[],
      details: async name => (await call('GET', nodePath(name))) as NodeDetails,
    })
  } finally {
    client.close()
  }
}

const REFUSALS = ['NODE_IS_UP', 'NODE_HAS_VOLUMES', 'ROTATION_RUNS', 'FOREIGN_STORE']

/** What the manager's checks refuse, as a refusal: an answer over the wire does not say that it is one. */
function refusal(error: unknown): Error | undefined {
  if (!(error instanceof ShoalError) || !REFUSALS.includes(error.code)) return undefined
  return conflict(error.code, error.message, { details: { refused: true } })
}

export function nodePath(name: string): string {
  return `/v1/nodes/${encodeURIComponent(name)}`
}

/** Throws NO_SUCH_NODE. */
export function findNode(nodes: readonly NodeView[], name: string): NodeView {
  const node = nodes.find(candidate => candidate.name === name)
  if (node === undefined) throw notFound('NO_SUCH_NODE', `No such node: ${name}`)
  return node
}
