import { ShoalError } from '../../../core/errors.ts'
import type { SandboxRequest } from '../../ports.ts'
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

/** Links lead to containers of the default network, which have no names there. Throws 500, as docker does. */
export function checkLinks({ links = [] }: SandboxRequest, plan: SandboxPlan, table: SandboxTable): void {
  const home = plan.kind === 'private' ? plan.endpoints.find(({ network }) => network.isDefault)?.network : undefined
  if (home === undefined) return
  for (const link of links) {
    const { target } = parseLink(link)
    const other = table.find(target)
    if (other?.endpoints.some(({ networkId }) => networkId === home.id)) continue
    const why = other === undefined ? 'it does not run' : 'it does not belong to the default network'
    throw new ShoalError('BAD_LINK', 500, `Cannot link to /${target}, as ${why}`)
  }
}
