import { notFound, ShoalError } from '../../../core/errors.ts'
import type { NetworkCreateRequest } from '../../../docker-api/index.ts'
import { type ConfigNetwork, isJoinable, type LocalNetwork } from './local-network.ts'

/** Networks that are only options for others: `--config-only` and `--config-from`. Rules and words are docker's. */

/** A network that nobody joins. Throws 403 for what says more than a configuration may. */
export function planConfig(
  request: NetworkCreateRequest,
  { id, createdAt }: { readonly id: string; readonly createdAt: string },
): ConfigNetwork {
  const { Name: name, Internal, Attachable, Ingress, Scope = '', IPAM, EnableIPv6, Options, Labels } = request
  if (Ingress === true || Internal === true || Attachable === true || Scope !== '') {
    throw forbidden(
      'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.',
    )
  }
  if (configOf(request) !== '')
    throw forbidden('a configuration network cannot depend on another configuration network')
  const template = { IPAM: IPAM ?? {}, EnableIPv6: EnableIPv6 === true, Options: Options ?? {}, Labels: Labels ?? {} }
  return { driver: 'config', id, name, createdAt, template }
}

/** What is asked for once the network it gets its options from has been read. Throws 403 and 404. */
export function withConfig(request: NetworkCreateRequest, existing: readonly LocalNetwork[]): NetworkCreateRequest {
  const from = configOf(request)
  if (from === '') return request
  const { IPAM, EnableIPv6, Labels, Options } = request
  const isPlain = ['', 'default'].includes(IPAM?.Driver ?? '') && (IPAM?.Config ?? []).length === 0
  if (!isPlain || EnableIPv6 === true || isFilled(Labels) || isFilled(IPAM?.Options)) {
    throw forbidden('user specified configurations are not supported if the network depends on a configuration network')
  }
  if (isFilled(Options)) {
    throw forbidden('network driver options are not supported if the network depends on a configuration network')
  }
  const config = existing.find(network => network.driver === 'config' && network.name === from)
  if (config?.driver === 'config') return { ...request, ...config.template }
  throw notFound('NO_SUCH_NETWORK', `configuration network "${from}" does not exist`)
}

/** Whose options a network has; empty: its own. */
export function configOf({ ConfigFrom }: Pick<NetworkCreateRequest, 'ConfigFrom'>): string {
  return ConfigFrom?.Network ?? ''
}

/** Throws 403 while another network has its options of this one. */
export function checkConfigUnused({ name }: ConfigNetwork, existing: readonly LocalNetwork[]): void {
  if (!existing.some(network => isJoinable(network) && network.configFrom === name)) return
  throw forbidden(`error while removing network: configuration network "${name}" is in use`)
}

function isFilled(values: Readonly<Record<string, string>> | null | undefined): boolean {
  return Object.keys(values ?? {}).length > 0
}

function forbidden(message: string): ShoalError {
  return new ShoalError('CONFIG_NETWORK', 403, message)
}
