import type { OciMount } from './oci-types.ts'

/** Kernel files that show or change the host. Source: Docker's defaults. */
export const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]

export const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

export const SHM_BYTES_DEFAULT = 64 * 1024 * 1024

export interface DefaultMountOptions {
  readonly privileged: boolean
  readonly shmBytes: number
}

/** What every container sees besides its root. */
export function defaultMounts({ privileged, shmBytes }: DefaultMountOptions): OciMount[] {
  const access = privileged ? 'rw' : 'ro'
  return [
    mountOf('/proc', 'proc', ['nosuid', 'noexec', 'nodev']),
    mountOf('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mountOf('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
    mountOf('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', access]),
    mountOf('/sys/fs/cgroup', 'cgroup', [access, 'nosuid', 'noexec', 'nodev', 'relatime']),
    mountOf('/dev/mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
    mountOf('/dev/shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmBytes}`]),
  ]
}

function mountOf(destination: string, type: string, options: readonly string[]): OciMount {
  return { destination, type, source: type === 'tmpfs' && destination === '/dev/shm' ? 'shm' : type, options }
}
