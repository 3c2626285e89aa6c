import type { PlannedEndpoint, SandboxPlan } from './plan-sandbox.ts'
import type { SandboxEndpoint, SandboxRecord } from './sandbox-record.ts'

export interface LiveDevices {
  readonly inside: ReadonlySet<string>
  readonly onHost: ReadonlySet<string>
}

/** What to undo and what to make so that a sandbox is on the networks it is meant to be on, with devices that exist. */
export function diffEndpoints(
  { endpoints }: Pick<SandboxRecord, 'endpoints'>,
  plan: Extract<SandboxPlan, { kind: 'private' }>,
  live: LiveDevices,
): { readonly stale: readonly SandboxEndpoint[]; readonly missing: readonly PlannedEndpoint[] } {
  const wanted = new Set(plan.endpoints.map(({ network }) => network.id))
  if (plan.plain !== undefined) wanted.add(plan.plain.id)
  const isLive = ({ device, hostDevice }: SandboxEndpoint): boolean =>
    (device === '' || live.inside.has(device)) && (hostDevice === '' || live.onHost.has(hostDevice))
  const stale = endpoints.filter(endpoint => !wanted.has(endpoint.networkId) || !isLive(endpoint))
  const kept = new Set(endpoints.filter(endpoint => !stale.includes(endpoint)).map(({ networkId }) => networkId))
  return { stale, missing: plan.endpoints.filter(({ network }) => !kept.has(network.id)) }
}
