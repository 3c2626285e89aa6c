import type { DeviceLimit, EngineOptions } from '../../core/model/engine-options.ts'
import { asList, asText, asTree, isTree, type Tree } from '../tree.ts'
import { flag, present, some, strings, text, textsOf } from './values.ts'

/** What a service asks of the engine that runs it, and of nobody else; undefined: nothing. */
export function engineOptions(service: Tree): EngineOptions | undefined {
  const options: EngineOptions = present({
    ...blockIo(asTree(service['blkio_config'])),
    ...cpu(service),
    ...memory(service),
    ...namespaces(service),
    annotations: textsOf(service['annotations']),
    cgroupParent: text(service['cgroup_parent']),
    deviceCgroupRules: some(strings(service['device_cgroup_rules'])),
    devices: some(asList(service['devices']).map(entry => device(asTree(entry)))),
    deviceRequests: some(deviceRequests(service)),
    dnsOptions: some(strings(service['dns_opt'])),
    dnsSearch: some(strings(service['dns_search'])),
    groupAdd: some(strings(service['group_add'])),
    runtime: text(service['runtime']),
    securityOpt: some(strings(service['security_opt'])),
    tmpfs: tmpfs(asList(service['tmpfs']).map(asText)),
  })
  return Object.keys(options).length === 0 ? undefined : options
}

function cpu(service: Tree): EngineOptions {
  return present({
    cpuShares: number(service['cpu_shares']),
    cpuQuota: number(service['cpu_quota']),
    cpuPeriod: number(service['cpu_period']),
    cpuRealtimePeriod: number(service['cpu_rt_period']),
    cpuRealtimeRuntime: number(service['cpu_rt_runtime']),
    cpusetCpus: text(service['cpuset']),
  })
}

function memory(service: Tree): EngineOptions {
  return present({
    memorySwap: number(service['memswap_limit']),
    memorySwappiness: number(service['mem_swappiness']),
    oomKillDisable: flag(service['oom_kill_disable']),
    oomScoreAdj: number(service['oom_score_adj']),
  })
}

function namespaces(service: Tree): EngineOptions {
  return present({
    cgroupnsMode: text(service['cgroup']),
    ipcMode: text(service['ipc']),
    pidMode: text(service['pid']),
    usernsMode: text(service['userns_mode']),
    utsMode: text(service['uts']),
  })
}

function blockIo(config: Tree): EngineOptions {
  const limits = (key: string): readonly DeviceLimit[] | undefined =>
    some(
      asList(config[key])
        .map(asTree)
        .map(({ path, weight, rate }) => ({
          path: asText(path),
          ...present({ weight: number(weight), rate: number(rate) }),
        })),
    )
  return present({
    blkioWeight: number(config['weight']),
    blkioWeightDevice: limits('weight_device'),
    blkioDeviceReadBps: limits('device_read_bps'),
    blkioDeviceReadIOps: limits('device_read_iops'),
    blkioDeviceWriteBps: limits('device_write_bps'),
    blkioDeviceWriteIOps: limits('device_write_iops'),
  })
}

function device({ source, target, permissions }: Tree): NonNullable<EngineOptions['devices']>[number] {
  return {
    pathOnHost: asText(source),
    pathInContainer: text(target) ?? asText(source),
    cgroupPermissions: text(permissions) ?? 'rwm',
  }
}

/** `gpus` is the same for the one capability. */
function deviceRequests(service: Tree): NonNullable<EngineOptions['deviceRequests']> {
  const reserved = asTree(asTree(asTree(service['deploy'])['resources'])['reservations'])['devices']
  const request = (entry: unknown, own: readonly string[]): NonNullable<EngineOptions['deviceRequests']>[number] => {
    const { driver, count, device_ids: ids, capabilities, options } = asTree(entry)
    return {
      capabilities: [[...new Set([...own, ...asList(capabilities).map(asText)])]],
      ...present({
        driver: text(driver),
        count: count === 'all' ? -1 : number(count),
        deviceIDs: some(strings(ids)),
        options: textsOf(options),
      }),
    }
  }
  return [
    ...asList(service['gpus']).map(entry => request(entry, ['gpu'])),
    ...asList(reserved).map(entry => request(entry, [])),
  ]
}

/** Entries with more to say than a size and read-only: those are mounts as any other. */
function tmpfs(entries: readonly string[]): EngineOptions['tmpfs'] {
  const own = entries.filter(hasTmpfsOptions).map(entry => {
    const [target = '', ...options] = entry.split(':')
    return [target, options.join(':')] as const
  })
  return own.length === 0 ? undefined : Object.fromEntries(own)
}

/** `/run:size=64m,ro` has none but those that every mount may have, `/run:mode=1777` has. */
export function hasTmpfsOptions(entry: string): boolean {
  const [, options = ''] = entry.split(':')
  return options
    .split(',')
    .some(option => option !== '' && option !== 'ro' && option !== 'rw' && !/^size=\d+[kmg]?$/i.test(option))
}

function number(value: unknown): number | undefined {
  if (value === undefined || value === null || isTree(value) || asText(value) === '') return undefined
  const result = Number(asText(value))
  return Number.isFinite(result) ? result : undefined
}
