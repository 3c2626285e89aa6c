import { badFlag, type Invocation, type Options, readDuration } from '../../cli/index.ts'
import type { Discovery } from '../../discovery/index.ts'
import type { EnginePolling } from '../../manager/index.ts'
import type { Preferences } from '../../scheduler/index.ts'

/** How engines that are listed by hand are watched. */
export interface ListPolling extends EnginePolling {
  /** How often a file of engines is read. */
  readonly fileMs: number
}

const POLLING_DEFAULTS: ListPolling = { minMs: 5_000, maxMs: 5_000, failures: 3, fileMs: 2_000 }

/** Reads classic Swarm's flags of polling, with its messages; its intervals of 30 to 60 s are not taken over. Throws BAD_FLAG. */
export function readPolling(invocation: Invocation): ListPolling {
  const { options } = invocation
  const minMs = readDuration(invocation, 'engine-refresh-min-interval', POLLING_DEFAULTS.minMs)
  const maxMs = readDuration(invocation, 'engine-refresh-max-interval', Math.max(minMs, POLLING_DEFAULTS.maxMs))
  if (minMs <= 0) throw badFlag('min refresh interval should be a positive number')
  if (maxMs < minMs) throw badFlag('max refresh interval cannot be less than min refresh interval')
  if (Number(options.text('engineRefreshRetry') ?? 3) !== 3) {
    throw badFlag('--engine-refresh-retry is deprecated. Use --engine-failure-retry')
  }
  const failures = Number(options.text('engineFailureRetry') ?? POLLING_DEFAULTS.failures)
  if (!Number.isInteger(failures) || failures <= 0) throw badFlag('invalid failure retry count')
  const fileMs = readDuration(invocation, 'heartbeat', POLLING_DEFAULTS.fileMs)
  if (fileMs < 1_000) throw badFlag('--heartbeat should be at least one second')
  return { minMs, maxMs, failures, fileMs }
}

/** `--cluster-driver` and `--cluster-opt`. Throws BAD_FLAG. */
export function readClusterOptions(options: Options): {
  readonly overcommit: number
  readonly createRetries: number
  /** What is wanted beyond classic Swarm. */
  readonly preferences: Preferences
  readonly warnings: readonly string[]
} {
  const driver = options.text('clusterDriver') ?? 'swarm'
  if (driver !== 'swarm') throw badFlag(`unsupported cluster "${driver}": the only driver is swarm`)
  let overcommit = 0
  let createRetries = 0
  let preferences: Preferences = {}
  for (const option of options.list('clusterOpt')) {
    const equals = option.indexOf('=')
    const [key, value] = equals < 0 ? [option, ''] : [option.slice(0, equals), option.slice(equals + 1)]
    if (key === 'swarm.overcommit') overcommit = readOvercommit(value)
    else if (key === 'swarm.createretry') createRetries = readCreateRetry(value)
    else preferences = { ...preferences, ...readPreference(key, value) }
  }
  const isLess = overcommit < 0
  return {
    overcommit,
    createRetries,
    preferences,
    warnings: isLess ? [`swarm.overcommit=${overcommit} lets only a part of each node be used`] : [],
  }
}

const KNOWN_OPTIONS = 'swarm.overcommit, swarm.createretry, shoal.soft, shoal.image-locality and shoal.volume-locality'

function readPreference(key: string, value: string): Preferences {
  if (key === 'shoal.soft') {
    if (value === 'drop' || value === 'score') return { wishes: value }
    throw badFlag(`shoal.soft should be drop (all wishes or none) or score (as many as possible), ${value} is invalid`)
  }
  if (key === 'shoal.volume-locality') {
    if (value === 'prefer' || value === 'require') return { volumeLocality: value }
    throw badFlag(`shoal.volume-locality should be prefer or require, ${value} is invalid`)
  }
  if (key === 'shoal.image-locality') {
    if (/^\d{1,3}$/.test(value)) return { imageLocality: Number(value) }
    throw badFlag(`shoal.image-locality should be a number of containers, at most 999, ${value} is invalid`)
  }
  throw badFlag(`--cluster-opt ${key} is not known: known are ${KNOWN_OPTIONS}`)
}

function readOvercommit(value: string): number {
  const share = value === '' ? Number.NaN : Number(value)
  if (share > -1 && share < Number.POSITIVE_INFINITY) return share
  // Classic Swarm prints what it read with six digits.
  const shown = Number.isFinite(share) ? share.toFixed(6) : value
  throw badFlag(`swarm.overcommit should be larger than -1, ${shown} is invalid`)
}

function readCreateRetry(value: string): number {
  const times = value === '' ? Number.NaN : Number(value)
  if (Number.isInteger(times) && times >= 0) return times
  throw badFlag(`swarm.createretry can not be negative, ${value} is invalid`)
}

/** What `--replication` needs in classic Swarm. Throws BAD_FLAG. */
export function checkReplication(
  options: Options,
  { discovery, advertise }: { readonly discovery: Discovery | undefined; readonly advertise: string | undefined },
): void {
  if (!options.flag('replication')) return
  if (discovery !== undefined && discovery.scheme !== 'etcd') {
    throw badFlag('Leader election is only supported with etcd discovery.')
  }
  if (advertise === undefined || advertise === '') {
    throw badFlag('--advertise address must be provided when using --leader-election')
  }
}

/** One sentence for each flag that was given and has nothing to do here. */
export function ineffective(options: Options, discovery: Discovery | undefined): string[] {
  const isList = discovery !== undefined && discovery.scheme !== 'etcd'
  const given = (flag: string): boolean => options.text(flag) !== undefined || options.flag(flag)
  const why: readonly (readonly [flag: string, name: string, applies: boolean, reason: string])[] = [
    ['engineRefreshMinInterval', 'engine-refresh-min-interval', isList, LEASES],
    ['engineRefreshMaxInterval', 'engine-refresh-max-interval', isList, LEASES],
    ['engineFailureRetry', 'engine-failure-retry', isList, LEASES],
    ['engineRefreshRetry', 'engine-refresh-retry', false, 'it is deprecated'],
    ['heartbeat', 'heartbeat', discovery?.scheme === 'file', 'only the file of file:// discovery is read again'],
    ['refreshOnNodeFilter', 'refresh-on-node-filter', false, FRESH],
    ['containerNameRefreshFilter', 'container-name-refresh-filter', false, FRESH],
  ]
  return why.flatMap(([flag, name, applies, reason]) =>
    applies || !given(flag) ? [] : [`--${name} has no effect: ${reason}`],
  )
}

const LEASES = 'agents hold a lease in the store, so no engine is asked whether it is there (see swarm join --ttl)'
const FRESH = 'lists of containers are never stale'
