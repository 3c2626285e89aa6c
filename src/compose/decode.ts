import { durationText, sizeText } from './canonical/scalars.ts'
import { pathTable } from './path-table.ts'
import type { Problem } from './problem.ts'
import { showPath, type Tree } from './tree.ts'

const DECODERS = pathTable<(value: unknown) => unknown>([
  ...[
    'services.*.blkio_config.device_read_bps.*.rate',
    'services.*.blkio_config.device_read_iops.*.rate',
    'services.*.blkio_config.device_write_bps.*.rate',
    'services.*.blkio_config.device_write_iops.*.rate',
    'services.*.build.shm_size',
    'services.*.deploy.resources.limits.memory',
    'services.*.deploy.resources.reservations.memory',
    'services.*.mem_limit',
    'services.*.mem_reservation',
    'services.*.memswap_limit',
    'services.*.shm_size',
    'services.*.volumes.*.tmpfs.size',
  ].map(pattern => [pattern, sizeText] as const),
  ...[
    'services.*.deploy.restart_policy.delay',
    'services.*.deploy.restart_policy.window',
    'services.*.deploy.rollback_config.delay',
    'services.*.deploy.rollback_config.monitor',
    'services.*.deploy.update_config.delay',
    'services.*.deploy.update_config.monitor',
    'services.*.healthcheck.interval',
    'services.*.healthcheck.start_interval',
    'services.*.healthcheck.start_period',
    'services.*.healthcheck.timeout',
    'services.*.stop_grace_period',
  ].map(pattern => [pattern, durationText] as const),
  ...['services.*.cpus', 'services.*.cpu_percent'].map(pattern => [pattern, toNumber] as const),
  ...[
    'services.*.cpu_period',
    'services.*.cpu_quota',
    'services.*.cpu_rt_period',
    'services.*.cpu_rt_runtime',
    'services.*.cpu_shares',
  ].map(pattern => [pattern, toNumber] as const),
])

function toNumber(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const number = Number(value)
  if (!Number.isFinite(number)) throw new RangeError(`invalid number: '${value}'`)
  return number
}

/** Brings sizes, durations and numbers into their one form; what cannot be read is reported, all of it. */
export function decodeUnits(model: Tree): { readonly model: Tree; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const decoded = DECODERS.rebuild(model, (decode, value, path) => {
    if (value === undefined || value === null) return value
    try {
      return decode(value)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      problems.push({ message: `${showPath(path)}: ${error.message}`, path: [...path] })
      return value
    }
  }) as Tree
  return { model: decoded, problems }
}
