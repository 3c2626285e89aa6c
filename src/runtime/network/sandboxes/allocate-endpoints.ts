import { ShoalError } from '../../../core/errors.ts'
import type { SandboxRequest } from '../../ports.ts'
import { linkEnvironment } from './link-environment.ts'
import { parseLink } from './links.ts'
import type { SandboxPlan } from './plan-sandbox.ts'
import type { SandboxEndpoint } from './sandbox-record.ts'
import type { SandboxTable } from './sandbox-table.ts'

/** The endpoints of a new sandbox, with addresses that are free; taken once they are in a record that is kept. */
export function allocateEndpoints(
  plan: Exclude<SandboxPlan, { kind: 'shared' }>,
  containerId: string,
  table: SandboxTable,
): SandboxEndpoint[] {
  if (plan.plain !== undefined) {
    const inNameOnly = { address: '', mac: '', hostDevice: '', device: '', config: {} }
    return [{ ...inNameOnly, networkId: plan.plain.id, endpointId: table.newSandboxId() }]
  }
  const endpoints: SandboxEndpoint[] = []
  for (const endpoint of plan.kind === 'private' ? plan.endpoints : []) {
    const used = endpoints.map(({ device }) => device)
    endpoints.push(table.allocate(containerId, endpoint, used))
  }
  return endpoints
}

/**
 * The variables of a container about those it is linked to, which are on the default network, where there are no names.
 * Throws 500, as docker does, for a link to one that does not run or is elsewhere.
 */
export function linkedVariables(
  { links = [], containerName }: SandboxRequest,
  plan: SandboxPlan,
  table: SandboxTable,
): string[] {
  const home = plan.kind === 'private' ? plan.endpoints.find(({ network }) => network.isDefault)?.network : undefined
  if (home === undefined) return []
  return links.flatMap(link => {
    const { target: name, alias } = parseLink(link)
    const target = table.find(name)
    if (target === undefined)
      throw badLink(`Cannot link to a non running container: /${name} AS /${containerName}/${alias}`)
    const endpoint = target.endpoints.find(({ networkId }) => networkId === home.id)
    if (endpoint === undefined) throw badLink(`Cannot link to /${name}, as it does not belong to the default network`)
    const { exposedPorts, environment = [] } = target.request
    return linkEnvironment({ owner: containerName, alias, address: endpoint.address, exposedPorts, environment })
  })
}

function badLink(message: string): ShoalError {
  return new ShoalError('BAD_LINK', 500, message)
}
