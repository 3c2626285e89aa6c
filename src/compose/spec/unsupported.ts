import { pathTable } from '../path-table.ts'
import type { Problem } from '../problem.ts'
import { asText, asTree, isList, isTree, type Path, showPath, type Tree } from '../tree.ts'

/** Whether the value asks for something at all. */
type When = (value: unknown) => boolean

export interface Rule {
  readonly when: When
  /** What a cluster does instead, or what to write instead. */
  readonly advice: string
}

export const always: When = value => !(value === '' || (isList(value) && value.length === 0) || isEmptyTree(value))
export const isOn: When = value => value === true
export const unless =
  (...accepted: readonly string[]): When =>
  value =>
    !accepted.includes(asText(value))

/** Of a path inside a volume: it would lead out of it. */
const leadsOut: When = value => asText(value).startsWith('/') || asText(value).split('/').includes('..')
/** Of a path inside a container, which has no directory that others could start from. */
const isRelative: When = value => asText(value) !== '' && !asText(value).startsWith('/')

const isNoPullPolicy: When = value =>
  !/^(?:always|missing|if_not_present|never|build|daily|weekly|every_.+)?$/.test(asText(value))

function isEmptyTree(value: unknown): boolean {
  return isTree(value) && Object.keys(value).length === 0
}

export const rules = (advice: string, when: When, ...patterns: readonly string[]): (readonly [string, Rule])[] =>
  patterns.map(pattern => [pattern, { when, advice }])

/** Refused over hosts and on one engine alike. */
export const REFUSED_ANYWHERE = [
  ...rules(
    'is not supported: use volume, bind or tmpfs',
    unless('volume', 'bind', 'tmpfs'),
    'services.*.volumes.*.type',
  ),
  ...rules(
    'is not supported: use always, missing, never, daily, weekly or every_12h',
    isNoPullPolicy,
    'services.*.pull_policy',
  ),
]

/** Told and passed over by both. */
export const TOLD_ANYWHERE = rules(
  'has no effect: it tells people and other tools what the port is for',
  always,
  'services.*.ports.*.app_protocol',
  'services.*.ports.*.name',
)

/** What a service would not work without, or work differently without: refused by name. */
const REFUSED = pathTable<Rule>([
  ...rules(
    'is not supported: only none and host are; replicas may run on any host, so put both programs on one network, or into one service',
    unless('none', 'host'),
    'services.*.network_mode',
  ),
  ...rules(
    'is not supported: replicas may run on any host, so they cannot share this with another; use host or private, or one service',
    value => /^(?:service|container):/.test(asText(value)),
    'services.*.ipc',
    'services.*.pid',
    'services.*.uts',
  ),
  ...rules(
    'is not supported: replicas may run on any host; use a named volume for both',
    always,
    'services.*.volumes_from',
  ),
  ...rules(
    'is not supported: containers outside the project are found by their names on a shared network',
    always,
    'services.*.external_links',
  ),
  ...rules(
    'is not supported: hosts do not tell what they have; give such hosts a label, and name it in placement.constraints',
    always,
    'services.*.deploy.resources.reservations.generic_resources',
  ),
  ...rules(
    'is not supported: addresses are given by the cluster; use the name of the service',
    always,
    'services.*.mac_address',
    'services.*.networks.*.ipv4_address',
    'services.*.networks.*.ipv6_address',
    'services.*.networks.*.link_local_ips',
    'services.*.networks.*.mac_address',
    'services.*.networks.*.interface_name',
    'services.*.networks.*.driver_opts',
    'networks.*.ipam.config.*.aux_addresses',
    'networks.*.ipam.config.*.gateway',
    'networks.*.ipam.config.*.ip_range',
    'networks.*.ipam.options',
  ),
  ...rules(
    'is not supported: leave it out, addresses are given by the cluster',
    unless('', 'default'),
    'networks.*.ipam.driver',
  ),
  ...rules('is not supported: networks over hosts have IPv4', isOn, 'networks.*.enable_ipv6'),
  ...rules('is not supported: networks over hosts have IPv4', value => value === false, 'networks.*.enable_ipv4'),
  ...rules('is not supported: leave it out', always, 'networks.*.driver_opts'),
  ...rules(
    'is not supported: use pause, and apply the earlier file again',
    unless('pause', 'continue', ''),
    'services.*.deploy.update_config.failure_action',
  ),
  ...rules(
    'is not supported: use stop-first or start-first',
    unless('stop-first', 'start-first', ''),
    'services.*.deploy.update_config.order',
  ),
  ...rules(
    'is not supported with update_config.order start-first: a node has one task of a global service; use stop-first',
    value => {
      const deploy = asTree(value)
      return deploy['mode'] === 'global' && asTree(deploy['update_config'])['order'] === 'start-first'
    },
    'services.*.deploy',
  ),
  ...rules(
    'is not supported: use replicated, global, replicated-job or global-job',
    unless('replicated', 'global', 'replicated-job', 'global-job', ''),
    'services.*.deploy.mode',
  ),
  ...rules(
    'is not supported: replicas are spread over one label; join what you mean into one',
    value => isList(value) && value.length > 1,
    'services.*.deploy.placement.preferences',
  ),
  ...rules('is not supported: it is for Windows containers', always, 'services.*.credential_spec'),
  ...rules(
    'is not supported: Linux has no isolation but the default one; leave it out',
    unless('default'),
    'services.*.isolation',
  ),
  ...rules(
    'is not supported: it limits Windows containers; use cpus',
    unless('', '0'),
    'services.*.cpu_count',
    'services.*.cpu_percent',
  ),
  ...rules(
    'is not supported: writable layers have no quota; put what may grow into a volume of a limited size',
    always,
    'services.*.storage_opt',
  ),
  ...rules(
    'is not supported: run the program as a service of its own',
    always,
    'services.*.models',
    'services.*.provider',
  ),
  ...rules(
    'is not supported: make it part of the command or the entrypoint',
    always,
    'services.*.post_start',
    'services.*.pre_start',
    'services.*.pre_stop',
  ),
  ...rules(
    'is not supported: give the container the address of the manager in DOCKER_HOST',
    isOn,
    'services.*.use_api_socket',
  ),
  ...rules(
    'leads out of the volume: name a path inside of it, without .. and without a leading slash',
    leadsOut,
    'services.*.volumes.*.volume.subpath',
  ),
  ...rules(
    'must be an absolute path in the container',
    isRelative,
    'services.*.tmpfs.*',
    'services.*.volumes.*.target',
    'services.*.working_dir',
  ),
  ...rules('is not supported: use tcp or udp', unless('tcp', 'udp'), 'services.*.ports.*.protocol'),
  ...REFUSED_ANYWHERE,
  ...rules(
    'is not supported: a cluster network is an overlay; leave the driver out',
    unless('overlay', 'bridge', 'default'),
    'networks.*.driver',
  ),
])

/** What makes no difference to whether a service works: told, and passed over. */
const PASSED_OVER = pathTable<Rule>([
  ...rules(
    'is answered as dnsrr is: the name of a service has the addresses of all its replicas that are well',
    unless('', 'dnsrr'),
    'services.*.deploy.endpoint_mode',
  ),
  ...rules('has no effect: an update that fails is not rolled back', always, 'services.*.deploy.rollback_config'),
  ...rules('has no effect: hosts run Linux', always, 'services.*.volumes.*.consistency'),
  ...rules('has no effect: containers have no SELinux labels', always, 'services.*.volumes.*.bind.selinux'),
  ...TOLD_ANYWHERE,
  ...rules(
    'has no effect: hosts are told the content alone',
    always,
    'configs.*.labels',
    'secrets.*.driver_opts',
    'secrets.*.labels',
  ),
  ...rules(
    'has no effect: docker run may join every network of the cluster',
    value => value === false,
    'networks.*.attachable',
  ),
])

export interface Support {
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
}

type Rules = ReturnType<typeof pathTable<Rule>>

export interface SupportTables {
  readonly refused: Rules
  readonly passedOver: Rules
  readonly sections: readonly string[]
}

const CLUSTER: SupportTables = {
  refused: REFUSED,
  passedOver: PASSED_OVER,
  sections: ['services', 'networks', 'secrets', 'configs'],
}

/** Compares a model with what a cluster can do, or with what other tables say. */
export function checkSupport(model: Tree, { refused, passedOver, sections } = CLUSTER): Support {
  const problems: Problem[] = []
  const warnings: string[] = []
  const visit = (value: unknown, path: Path): void => {
    const refusal = refused.find(path)
    if (refusal?.when(value) === true) problems.push({ message: `${told(path, value)} ${refusal.advice}`, path })
    const remark = passedOver.find(path)
    if (remark?.when(value) === true) warnings.push(`${showPath(path)} ${remark.advice}`)
    if (isTree(value)) for (const [key, field] of Object.entries(value)) visit(field, [...path, key])
    if (isList(value)) value.forEach((item, index) => visit(item, [...path, String(index)]))
  }
  for (const section of sections) visit(asTree(model[section]), [section])
  return { problems, warnings }
}

function told(path: Path, value: unknown): string {
  return typeof value === 'string' ? `${showPath(path)}: ${value}` : showPath(path)
}
