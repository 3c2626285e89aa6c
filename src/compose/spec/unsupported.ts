import type { Problem } from '../problem.ts'
import { asText, asTree, isList, isTree, type Path, pathTable, showPath, type Tree } from '../tree.ts'

/** Whether the value asks for something at all. */
type When = (value: unknown) => boolean

interface Rule {
  readonly when: When
  /** What a cluster does instead, or what to write instead. */
  readonly advice: string
}

const always: When = value => !(value === '' || (isList(value) && value.length === 0) || isEmptyTree(value))
const isOn: When = value => value === true
const unless =
  (...accepted: readonly string[]): When =>
  value =>
    !accepted.includes(asText(value))

function isEmptyTree(value: unknown): boolean {
  return isTree(value) && Object.keys(value).length === 0
}

const rules = (advice: string, when: When, ...patterns: readonly string[]): (readonly [string, Rule])[] =>
  patterns.map(pattern => [pattern, { when, advice }])

/** What a service would not work without, or work differently without: refused by name. */
const REFUSED = pathTable<Rule>([
  ...rules('is not supported yet: only none and host are', unless('none', 'host'), 'services.*.network_mode'),
  ...rules(
    'is not supported yet: containers of a service may run on any host, so they cannot share this',
    always,
    'services.*.ipc',
    'services.*.pid',
    'services.*.uts',
    'services.*.cgroup',
    'services.*.volumes_from',
    'services.*.external_links',
  ),
  ...rules(
    'is not supported yet: hosts do not tell their devices',
    always,
    'services.*.devices',
    'services.*.device_cgroup_rules',
    'services.*.gpus',
    'services.*.deploy.resources.reservations.devices',
    'services.*.deploy.resources.reservations.generic_resources',
  ),
  ...rules(
    'is not supported yet: addresses are given by the cluster; use the name of the service',
    always,
    'services.*.mac_address',
    'services.*.networks.*.ipv4_address',
    'services.*.networks.*.ipv6_address',
    'services.*.networks.*.link_local_ips',
    'services.*.networks.*.mac_address',
    'services.*.networks.*.interface_name',
  ),
  ...rules('is not supported yet: use replicas', unless('replicated'), 'services.*.deploy.mode'),
  ...rules(
    'is not supported yet',
    always,
    'services.*.credential_spec',
    'services.*.deploy.placement.max_replicas_per_node',
    'services.*.group_add',
    'services.*.isolation',
    'services.*.models',
    'services.*.post_start',
    'services.*.pre_start',
    'services.*.pre_stop',
    'services.*.provider',
    'services.*.runtime',
    'services.*.security_opt',
    'services.*.userns_mode',
    'services.*.volumes.*.volume.subpath',
  ),
  ...rules('is not supported yet', isOn, 'services.*.use_api_socket', 'services.*.oom_kill_disable'),
  ...rules(
    'is not supported: use volume, bind or tmpfs',
    unless('volume', 'bind', 'tmpfs'),
    'services.*.volumes.*.type',
  ),
  ...rules('is not supported: use tcp or udp', unless('tcp', 'udp'), 'services.*.ports.*.protocol'),
  ...rules(
    'is not supported: a cluster network is an overlay; leave the driver out',
    unless('overlay', 'bridge', 'default'),
    'networks.*.driver',
  ),
])

/** What makes no difference to whether a service works: told, and passed over. */
const PASSED_OVER = pathTable<Rule>([
  ...rules(
    'has no effect yet',
    always,
    'networks.*.driver_opts',
    'networks.*.enable_ipv6',
    'services.*.annotations',
    'services.*.blkio_config',
    'services.*.cgroup_parent',
    'services.*.cpu_count',
    'services.*.cpu_percent',
    'services.*.cpu_period',
    'services.*.cpu_quota',
    'services.*.cpu_rt_period',
    'services.*.cpu_rt_runtime',
    'services.*.cpu_shares',
    'services.*.cpuset',
    'services.*.deploy.endpoint_mode',
    'services.*.deploy.placement.preferences',
    'services.*.deploy.restart_policy.window',
    'services.*.deploy.rollback_config',
    'services.*.deploy.update_config',
    'services.*.dns_opt',
    'services.*.dns_search',
    'services.*.mem_swappiness',
    'services.*.memswap_limit',
    'services.*.networks.*.driver_opts',
    'services.*.oom_score_adj',
    'services.*.platform',
    'services.*.storage_opt',
    'services.*.volumes.*.bind.propagation',
    'services.*.volumes.*.tmpfs.mode',
  ),
  ...rules('has no effect yet', isOn, 'services.*.volumes.*.volume.nocopy'),
  ...rules(
    'has no effect yet: an image is pulled where it is missing',
    unless('missing', 'build'),
    'services.*.pull_policy',
  ),
])

export interface Support {
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
}

/** Compares a model with what a cluster can do. */
export function checkSupport(model: Tree): Support {
  const problems: Problem[] = []
  const warnings: string[] = []
  const visit = (value: unknown, path: Path): void => {
    const refusal = REFUSED.find(path)
    if (refusal?.when(value) === true) problems.push({ message: `${told(path, value)} ${refusal.advice}`, path })
    const remark = PASSED_OVER.find(path)
    if (remark?.when(value) === true) warnings.push(`${showPath(path)} ${remark.advice}`)
    if (isTree(value)) for (const [key, field] of Object.entries(value)) visit(field, [...path, key])
    if (isList(value)) value.forEach((item, index) => visit(item, [...path, String(index)]))
  }
  for (const section of ['services', 'networks']) visit(asTree(model[section]), [section])
  return { problems, warnings }
}

function told(path: Path, value: unknown): string {
  return typeof value === 'string' ? `${showPath(path)}: ${value}` : showPath(path)
}
