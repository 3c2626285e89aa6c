import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readFileInside } from '../linux/fd-path.ts'
import type { Sandbox } from '../ports.ts'
import { bundleFiles, bundlePath } from './engine-paths.ts'
import type { ContainerRecord } from './record.ts'
import type { Room } from './room.ts'
import { buildOciSpec } from './spec/build-oci-spec.ts'
import type { OciDevice, OciUser } from './spec/oci-types.ts'
import { needsAccountFiles, resolveUser } from './spec/process-user.ts'

/** Writes a fresh bundle for the next run; resolves with its folder. */
export async function writeBundle(
  room: Room,
  record: ContainerRecord,
  { rootPath, sandbox }: { readonly rootPath: string; readonly sandbox: Sandbox },
): Promise<string> {
  const bundle = bundlePath(room.paths, record.id)
  await rm(bundle, { recursive: true, force: true })
  await mkdir(bundle, { recursive: true, mode: 0o700 })
  const { initPath } = room.facts
  const spec = buildOciSpec({
    config: record.config,
    host: record.host,
    hostname: record.hostname,
    rootPath,
    user: userInside(rootPath, record.config.User ?? ''),
    mounts: record.mounts,
    sandbox,
    cgroupsPath: cgroupPath(room, record),
    cgroup: room.cgroups,
    boundingSet: room.facts.boundingSet,
    ...(record.host.Init === true && initPath !== undefined ? { initPath } : {}),
    hostDevices: record.host.Privileged === true ? hostDevices('/dev') : [],
  })
  await writeFile(bundleFiles(bundle).config, JSON.stringify(spec), { mode: 0o600 })
  return bundle
}

export function cgroupPath({ cgroupParent }: Pick<Room, 'cgroupParent'>, { id, host }: ContainerRecord): string {
  const parent = host.CgroupParent ?? ''
  return join('/', parent === '' ? cgroupParent : parent, id)
}

/** Resolves a user with the account files of a container's root, which are read without leaving it. */
export function userInside(rootPath: string, user: string): OciUser {
  const read = (path: string): string => readFileInside(rootPath, path)?.toString('utf8') ?? ''
  const files = needsAccountFiles(user)
    ? { passwd: read('/etc/passwd'), group: read('/etc/group') }
    : { passwd: '', group: '' }
  return resolveUser(user, files)
}

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

/** The device nodes of this host, for privileged containers. */
function hostDevices(folder: string): OciDevice[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry): OciDevice[] => {
    if (folder === '/dev' && OWN_DEVICES.includes(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return hostDevices(path)
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return []
    const { rdev, mode, uid, gid } = statSync(path)
    // The encoding of dev_t in the C library's makedev.
    const major = ((rdev >>> 8) & 0xfff) | 0
    const minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
    return [{ path, type: entry.isBlockDevice() ? 'b' : 'c', major, minor, fileMode: mode & 0o777, uid, gid }]
  })
}

/** What this process may hand on to containers. */
export function readSelfStatus(): string {
  return readFileSync('/proc/self/status', 'utf8')
}
