import { invalidInput } from '../../../core/errors.ts'
import type { HostConfig } from '../../../docker-api/index.ts'
import type { OciBlockIo, OciDevice, OciDeviceRule } from './oci-types.ts'

/** A device node of the host for a container, and what may be done with it. */
export interface GrantedDevice {
  readonly device: OciDevice
  /** Any of `r`, `w`, `m`. */
  readonly access: string
}

const RULE = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/

/** Throws docker's 400 for a malformed rule or permission. */
export function checkDevices({ Devices, DeviceCgroupRules }: HostConfig): void {
  for (const rule of DeviceCgroupRules ?? []) deviceRule(rule)
  for (const { PathOnHost, CgroupPermissions = '' } of Devices ?? []) {
    if (PathOnHost === undefined || PathOnHost === '') {
      throw invalidInput('BAD_DEVICE', 'HostConfig.Devices: PathOnHost must not be empty')
    }
    if (!/^[rwm]{0,3}$/.test(CgroupPermissions)) {
      throw invalidInput('BAD_DEVICE', `invalid device mode: ${CgroupPermissions}: expected letters of rwm`)
    }
  }
}

function deviceRule(text: string): OciDeviceRule {
  const [, type = '', major = '', minor = '', access = ''] = RULE.exec(text) ?? []
  if (access === '') throw invalidInput('BAD_DEVICE_RULE', `invalid device cgroup rule format: '${text.slice(0, 60)}'`)
  return {
    allow: true,
    type: type as 'a' | 'b' | 'c',
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access,
  }
}

/** What the device control group allows: nothing but what was asked for; the runtime adds what every container needs. */
export function deviceRules(host: HostConfig, granted: readonly GrantedDevice[]): OciDeviceRule[] {
  if (host.Privileged === true) return [{ allow: true, access: 'rwm' }]
  return [
    { allow: false, access: 'rwm' },
    ...granted.map(({ device: { type, major, minor }, access }) => ({ allow: true, type, major, minor, access })),
    ...(host.DeviceCgroupRules ?? []).map(deviceRule),
  ]
}

/** Device numbers of the paths that Blkio* fields name. */
export type DeviceNumbers = ReadonlyMap<string, { readonly major: number; readonly minor: number }>

/** Paths of block devices in Blkio* fields. */
export function blockDevicePaths(host: HostConfig): string[] {
  const listed = [
    host.BlkioWeightDevice,
    host.BlkioDeviceReadBps,
    host.BlkioDeviceWriteBps,
    host.BlkioDeviceReadIOps,
    host.BlkioDeviceWriteIOps,
  ]
  return [...new Set(listed.flatMap(list => (list ?? []).map(({ Path }) => Path)))]
}

/** Weights and rates of block devices; `weights` says whether the kernel has weights at all. */
export function blockIoOf(
  host: HostConfig,
  { numbers, weights }: { readonly numbers: DeviceNumbers; readonly weights: boolean },
): OciBlockIo | undefined {
  const known = (path: string): { major: number; minor: number } => numbers.get(path) ?? { major: 0, minor: 0 }
  const rates = (list: HostConfig['BlkioDeviceReadBps']) =>
    (list ?? []).map(({ Path, Rate }) => ({ ...known(Path), rate: Rate }))
  const weightDevice = (host.BlkioWeightDevice ?? []).map(({ Path, Weight }) => ({ ...known(Path), weight: Weight }))
  const lists = {
    ...(weights ? { weightDevice } : {}),
    throttleReadBpsDevice: rates(host.BlkioDeviceReadBps),
    throttleWriteBpsDevice: rates(host.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: rates(host.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: rates(host.BlkioDeviceWriteIOps),
  }
  const weight = weights ? (host.BlkioWeight ?? 0) : 0
  const set = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0))
  const io: OciBlockIo = { ...set, ...(weight > 0 ? { weight } : {}) }
  return Object.keys(io).length === 0 ? undefined : io
}
