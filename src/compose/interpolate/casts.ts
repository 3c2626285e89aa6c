import { pathTable } from '../path-table.ts'

/** Turns the text of an interpolated value into the type its attribute has. */
export type Cast = (text: string, warn: (message: string) => void) => unknown

/** Decimal, however many zeros stand before it: only what YAML itself reads as a number may be octal. */
const toInteger: Cast = text => {
  const value = Number(text)
  if (!/^[-+]?\d+$/.test(text) || !Number.isSafeInteger(value)) throw new RangeError(`invalid integer: "${text}"`)
  return value
}

const toMode: Cast = text => {
  if (!/^0?[oO]?[0-7]+$/.test(text)) throw new RangeError(`invalid file mode: "${text}"`)
  return Number.parseInt(text.replace(/^0?[oO]/, ''), 8)
}

const toFloat: Cast = text => {
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) throw new RangeError(`invalid number: "${text}"`)
  return Number(text)
}

const toBoolean: Cast = (text, warn) => {
  const lower = text.toLowerCase()
  if (lower === 'true' || lower === 'false') return lower === 'true'
  const yes = ['y', 'yes', 'on'].includes(lower)
  if (!yes && !['n', 'no', 'off'].includes(lower)) throw new RangeError(`invalid boolean: ${text}`)
  warn(`"${text}" is not a boolean of YAML 1.2: write ${yes ? 'true' : 'false'}`)
  return yes
}

/** The attributes that are not text, so that `${REPLICAS}` and `"3"` mean the number. */
export const CASTS = pathTable<Cast>([
  ...[
    'models.*.context_size',
    'services.*.blkio_config.weight',
    'services.*.blkio_config.weight_device.*.weight',
    'services.*.cpu_count',
    'services.*.cpu_period',
    'services.*.cpu_quota',
    'services.*.cpu_rt_period',
    'services.*.cpu_rt_runtime',
    'services.*.cpu_shares',
    'services.*.deploy.placement.max_replicas_per_node',
    'services.*.deploy.replicas',
    'services.*.deploy.resources.reservations.generic_resources.*.discrete_resource_spec.value',
    'services.*.deploy.resources.limits.pids',
    'services.*.deploy.restart_policy.max_attempts',
    'services.*.deploy.rollback_config.parallelism',
    'services.*.deploy.update_config.parallelism',
    'services.*.healthcheck.retries',
    'services.*.mem_swappiness',
    'services.*.networks.*.gw_priority',
    'services.*.networks.*.priority',
    'services.*.oom_score_adj',
    'services.*.pids_limit',
    'services.*.ports.*.target',
    'services.*.scale',
    'services.*.ulimits.*',
    'services.*.ulimits.*.hard',
    'services.*.ulimits.*.soft',
  ].map(pattern => [pattern, toInteger] as const),
  ['services.*.volumes.*.tmpfs.mode', toMode],
  ...[
    'services.*.cpu_percent',
    'services.*.cpus',
    'services.*.deploy.rollback_config.max_failure_ratio',
    'services.*.deploy.update_config.max_failure_ratio',
  ].map(pattern => [pattern, toFloat] as const),
  ...[
    'configs.*.external',
    'networks.*.attachable',
    'networks.*.enable_ipv4',
    'networks.*.enable_ipv6',
    'networks.*.external',
    'networks.*.internal',
    'secrets.*.external',
    'services.*.attach',
    'services.*.build.no_cache',
    'services.*.build.privileged',
    'services.*.build.pull',
    'services.*.depends_on.*.required',
    'services.*.depends_on.*.restart',
    'services.*.develop.watch.*.exec.privileged',
    'services.*.env_file.*.required',
    'services.*.healthcheck.disable',
    'services.*.init',
    'services.*.oom_kill_disable',
    'services.*.post_start.*.privileged',
    'services.*.pre_start.*.per_replica',
    'services.*.pre_start.*.privileged',
    'services.*.pre_stop.*.privileged',
    'services.*.privileged',
    'services.*.read_only',
    'services.*.stdin_open',
    'services.*.tty',
    'services.*.use_api_socket',
    'services.*.volumes.*.bind.create_host_path',
    'services.*.volumes.*.read_only',
    'services.*.volumes.*.volume.nocopy',
    'volumes.*.external',
  ].map(pattern => [pattern, toBoolean] as const),
])
