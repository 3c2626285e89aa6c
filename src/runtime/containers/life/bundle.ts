import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { invalidInput } from '../../../core/errors.ts'
import { isFileOrMissing, readFileInside } from '../../linux/files/fd-path.ts'
import type { Sandbox } from '../../ports.ts'
import { inForce } from '../container-defaults.ts'
import { bundlePath, stagingPath } from '../engine-paths.ts'
import {
  blockDeviceNumbers,
  checkRoot,
  grantedDevices,
  grantRealtime,
  openSharedParts,
  stageMounts,
} from '../host/index.ts'
import type { ContainerRecord } from '../record.ts'
import type { Room } from '../room.ts'
import { buildOciSpec } from '../spec/build-oci-spec.ts'
import { ociText } from '../spec/oci-text.ts'
import type { OciUser } from '../spec/oci-types.ts'
import { resolveUser } from '../spec/process-user.ts'

/** More accounts than any image has; less than would hold up the engine. */
const ACCOUNT_BYTES_MAX = 4 << 20

/** Makes the folder of the next run's bundle; what the last run left in it goes. Bundles are small and on tmpfs. */
export function emptyBundle(room: Pick<Room, 'paths'>, id: string): void {
  removeBundle(room, id)
  mkdirSync(bundlePath(room.paths, id), { recursive: true, mode: 0o700 })
}

export function removeBundle({ paths }: Pick<Room, 'paths'>, id: string): void {
  rmSync(bundlePath(paths, id), { recursive: true, force: true })
}

/** The text of the runtime's configuration for the next run; what it names is made or found before. */
export async function bundleConfig(
  room: Room,
  record: ContainerRecord,
  { rootPath, sandbox }: { readonly rootPath: string; readonly sandbox: Sandbox },
): Promise<string> {
  const { config } = record
  const host = inForce(record.host, room.defaults)
  const { initPath } = room.facts
  const mounts = checkRoot(rootPath, record.mounts)
  await grantRealtime(room.cgroups, dirname(cgroupPath(room, record)), host)
  const spec = buildOciSpec({
    facts: room.facts,
    config,
    host,
    hostname: record.hostname,
    rootPath,
    user: userInside(rootPath, config.User ?? '', host.GroupAdd ?? []),
    mounts: await stageMounts(stagingPath(room.paths, record.id), mounts),
    sandbox,
    cgroupsPath: cgroupPath(room, record),
    ...(host.Init === true && initPath !== undefined ? { initPath } : {}),
    devices: await grantedDevices(host),
    blockDevices: await blockDeviceNumbers(host),
    ...(await openSharedParts(room, record)),
  })
  return ociText(spec)
}

export function cgroupPath({ cgroupParent }: Pick<Room, 'cgroupParent'>, { id, host }: ContainerRecord): string {
  const parent = host.CgroupParent ?? ''
  return join('/', parent === '' ? cgroupParent : parent, id)
}

/** Resolves a user with the account files of a container's root, which are read without leaving it. */
export function userInside(rootPath: string, user: string, groupAdd: readonly string[] = []): OciUser {
  const read = (path: string): string => {
    // The runtime opens it too, and would wait for ever for somebody to write into a fifo.
    if (!isFileOrMissing(rootPath, path)) {
      throw invalidInput('BAD_ACCOUNT_FILE', `The container's ${path} is no regular file: replace it`)
    }
    return readFileInside(rootPath, path, ACCOUNT_BYTES_MAX)?.toString('utf8') ?? ''
  }
  return resolveUser(user, { passwd: read('/etc/passwd'), group: read('/etc/group') }, groupAdd)
}
