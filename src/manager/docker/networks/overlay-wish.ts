import { invalidInput } from '../../../core/errors.ts'
import type { NetworkCreateRequest } from '../../../docker-api/index.ts'
import type { NetworkWish } from '../../project/cluster-network.ts'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

type Refusal = readonly [field: string, isAsked: (request: NetworkCreateRequest) => boolean]

/** What Docker can be asked for, and a network over hosts does not do here. */
const REFUSED: readonly Refusal[] = [
  ['EnableIPv6', ({ EnableIPv6 }) => EnableIPv6 === true],
  ['EnableIPv4=false', ({ EnableIPv4 }) => EnableIPv4 === false],
  ['Ingress', ({ Ingress }) => Ingress === true],
  ['ConfigOnly', ({ ConfigOnly }) => ConfigOnly === true],
  ['ConfigFrom', ({ ConfigFrom }) => (ConfigFrom?.Network ?? '') !== ''],
  ['Scope=local', ({ Scope }) => Scope === 'local'],
  ['IPAM.Driver', ({ IPAM }) => !['', 'default'].includes(IPAM?.Driver ?? '')],
  ['IPAM.Options', ({ IPAM }) => Object.keys(IPAM?.Options ?? {}).length > 0],
  ['a second subnet', ({ IPAM }) => (IPAM?.Config ?? []).length > 1],
  ['Gateway (each host has an address of its own)', ({ IPAM }) => has(IPAM, 'Gateway')],
  ['IPRange', ({ IPAM }) => has(IPAM, 'IPRange')],
  [
    'AuxiliaryAddresses',
    ({ IPAM }) => (IPAM?.Config ?? []).some(each => Object.keys(each.AuxiliaryAddresses ?? {}).length > 0),
  ],
]

function has(ipam: NetworkCreateRequest['IPAM'], field: 'Gateway' | 'IPRange'): boolean {
  return (ipam?.Config ?? []).some(each => (each[field] ?? '') !== '')
}

/** Reads a request for a network over hosts. Throws 400 naming what such a network cannot have. */
export function overlayWish(request: NetworkCreateRequest): NetworkWish {
  const { Name, Internal = false, Labels, IPAM, Options } = request
  if (!NAME.test(Name)) throw invalidInput('BAD_NETWORK_NAME', `invalid network name ${JSON.stringify(Name)}`)
  const [refused] = REFUSED.find(([, isAsked]) => isAsked(request)) ?? []
  const [option] = Object.keys(Options ?? {})
  const asked = refused ?? (option === undefined ? undefined : `the option ${option}`)
  if (asked !== undefined) {
    throw invalidInput('BAD_NETWORK', `Cannot create overlay network ${Name}: it cannot have ${asked}; leave it out`)
  }
  const [{ Subnet: subnet = '' } = {}] = IPAM?.Config ?? []
  return { name: Name, internal: Internal, labels: Labels ?? {}, ...(subnet === '' ? {} : { subnet }) }
}
