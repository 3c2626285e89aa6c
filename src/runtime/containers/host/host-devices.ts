import { errorCode, failed } from '../../../core/errors.ts'
import type { HostConfig } from '../../../docker-api/index.ts'
import { type DeviceNode, deviceNodesAt, deviceNodesBelow, readDeviceNode } from '../../linux/files/device-node.ts'
import { blockDevicePaths, type DeviceNumbers, type GrantedDevice } from '../spec/devices.ts'

/** Made by the runtime itself, or by the mounts of every container. */
const OWN_DEVICES = [
  'pts',
  'shm',
  'fd',
  'mqueue',
  'console',
  'ptmx',
  'null',
  'zero',
  'full',
  'random',
  'urandom',
  'tty',
]
const ALL_ACCESS = 'rwm'

/** The devices a container asked for; of a privileged one all there are. Throws 500 naming the one that there is not. */
export async function grantedDevices(host: HostConfig): Promise<GrantedDevice[]> {
  const asked = await Promise.all((host.Devices ?? []).map(askedDevices))
  const every = host.Privileged === true ? await deviceNodesBelow('/dev', OWN_DEVICES) : []
  const granted = [...every.map(node => grant(node, node.path, ALL_ACCESS)), ...asked.flat()]
  // The last one counts: what was asked for may name another place.
  return [...new Map(granted.map(one => [one.device.path, one])).values()]
}

async function askedDevices({
  PathOnHost,
  PathInContainer = '',
  CgroupPermissions = '',
}: NonNullable<HostConfig['Devices']>[number]): Promise<GrantedDevice[]> {
  const place = PathInContainer === '' ? PathOnHost : PathInContainer
  const nodes = await deviceNodesAt(PathOnHost).catch((error: unknown) => {
    throw noDevice(PathOnHost, error)
  })
  if (nodes.length === 0) throw noDevice(PathOnHost, undefined)
  const access = CgroupPermissions === '' ? ALL_ACCESS : CgroupPermissions
  return nodes.map(node => grant(node, place + node.path.slice(PathOnHost.length), access))
}

function grant({ type, major, minor, mode, uid, gid }: DeviceNode, path: string, access: string): GrantedDevice {
  return { device: { path, type, major, minor, fileMode: mode, uid, gid }, access }
}

/** The numbers of the block devices that Blkio* fields name. */
export async function blockDeviceNumbers(host: HostConfig): Promise<DeviceNumbers> {
  const numbers = await Promise.all(
    blockDevicePaths(host).map(async path => {
      const node = await readDeviceNode(path).catch((error: unknown) => {
        throw noDevice(path, error)
      })
      if (node?.type !== 'b') throw noDevice(path, undefined)
      return [path, { major: node.major, minor: node.minor }] as const
    }),
  )
  return new Map(numbers)
}

/** In docker's words. */
function noDevice(path: string, cause: unknown): Error {
  const why = errorCode(cause) === 'ENOENT' ? 'no such file or directory' : 'not a device node'
  return failed(
    'NO_SUCH_DEVICE',
    `error gathering device information while adding custom device ${JSON.stringify(path)}: ${why}`,
    { details: { exitCode: 128 } },
  )
}
