import type { OciMount } from './oci-types.ts'

export const SHM_BYTES_DEFAULT = 64 * 1024 * 1024

export interface DefaultMountOptions {
  readonly privileged: boolean
  readonly shmBytes: number
  /** A folder of the host that is /dev/shm; `none`: there is no /dev/shm; absent: one of the container's own. */
  readonly shmSource?: string
}

/** What every container sees besides its root. */
export function defaultMounts({ privileged, shmBytes, shmSource }: DefaultMountOptions): OciMount[] {
  const access = privileged ? 'rw' : 'ro'
  return [
    mountOf('/proc', 'proc', ['nosuid', 'noexec', 'nodev']),
    mountOf('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mountOf('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
    mountOf('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', access]),
    mountOf('/sys/fs/cgroup', 'cgroup', [access, 'nosuid', 'noexec', 'nodev', 'relatime']),
    mountOf('/dev/mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
    ...sharedMemory(shmBytes, shmSource),
  ]
}

function sharedMemory(bytes: number, source: string | undefined): OciMount[] {
  if (source === 'none') return []
  if (source === undefined) {
    return [mountOf('/dev/shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${bytes}`])]
  }
  return [
    { destination: '/dev/shm', type: 'bind', source, options: ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev'] },
  ]
}

function mountOf(destination: string, type: string, options: readonly string[]): OciMount {
  return { destination, type, source: type === 'tmpfs' && destination === '/dev/shm' ? 'shm' : type, options }
}
