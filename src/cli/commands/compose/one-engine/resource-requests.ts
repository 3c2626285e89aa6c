import { asList, asText, asTree, type Tree } from '../../../../compose/index.ts'
import { hashOf } from '../../../../core/digest.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import type { NetworkCreateRequest, VolumeCreateRequest } from '../../../../docker-api/index.ts'
import { LABELS_VERSION } from './labels-of.ts'

/** A network or volume of a compose file. */
export interface Wish {
  readonly kind: 'network' | 'volume'
  readonly key: string
  readonly name: string
  readonly tree: Tree
}

/** What docker compose asks an engine for where a project needs a network. Pure. */
export function networkRequest({ key, name, tree }: Wish, project: string): NetworkCreateRequest {
  const ipam = ipamOf(asTree(tree['ipam']))
  const options = texts(tree['driver_opts'])
  return {
    Name: name,
    CheckDuplicate: true,
    ...(asText(tree['driver']) === '' ? {} : { Driver: asText(tree['driver']) }),
    ...(tree['internal'] === true ? { Internal: true } : {}),
    ...(tree['attachable'] === true ? { Attachable: true } : {}),
    ...(typeof tree['enable_ipv6'] === 'boolean' ? { EnableIPv6: tree['enable_ipv6'] } : {}),
    ...(typeof tree['enable_ipv4'] === 'boolean' ? { EnableIPv4: tree['enable_ipv4'] } : {}),
    ...(Object.keys(options).length === 0 ? {} : { Options: options }),
    ...(ipam === undefined ? {} : { IPAM: ipam }),
    Labels: { ...texts(tree['labels']), ...resourceLabels(COMPOSE_LABELS.network, key, { project, tree }) },
  }
}

function ipamOf(ipam: Tree): NetworkCreateRequest['IPAM'] | undefined {
  const driver = asText(ipam['driver'])
  const options = texts(ipam['options'])
  const config = asList(ipam['config']).map(entry => {
    const { subnet, gateway, ip_range: range, aux_addresses: aux } = asTree(entry)
    return {
      ...(subnet === undefined ? {} : { Subnet: asText(subnet) }),
      ...(gateway === undefined ? {} : { Gateway: asText(gateway) }),
      ...(range === undefined ? {} : { IPRange: asText(range) }),
      ...(aux === undefined ? {} : { AuxiliaryAddresses: texts(aux) }),
    }
  })
  if (driver === '' && config.length === 0 && Object.keys(options).length === 0) return undefined
  return {
    ...(driver === '' ? {} : { Driver: driver }),
    ...(config.length === 0 ? {} : { Config: config }),
    ...(Object.keys(options).length === 0 ? {} : { Options: options }),
  }
}

function resourceLabels(
  label: string,
  key: string,
  { project, tree }: { readonly project: string; readonly tree: Tree },
): Record<string, string> {
  return {
    [COMPOSE_LABELS.hash]: hashOf(tree),
    [label]: key,
    [COMPOSE_LABELS.project]: project,
    [COMPOSE_LABELS.version]: LABELS_VERSION,
  }
}

/** The same of a volume. */
export function volumeRequest({ key, name, tree }: Wish, project: string): VolumeCreateRequest {
  const driver = asText(tree['driver'])
  const options = texts(tree['driver_opts'])
  return {
    Name: name,
    ...(driver === '' ? {} : { Driver: driver }),
    ...(Object.keys(options).length === 0 ? {} : { DriverOpts: options }),
    Labels: { ...texts(tree['labels']), ...resourceLabels(COMPOSE_LABELS.volume, key, { project, tree }) },
  }
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(asTree(value)).map(([key, field]) => [key, asText(field)]))
}
