import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { getSystemErrorMessage } from 'node:util'
import type { Clock } from '../../core/clock.ts'
import { errorMessage, failed, ShoalError } from '../../core/errors.ts'
import { MOUNT_FLAGS, mount, unmount } from '../linux/mount.ts'
import { SyscallError } from '../linux/process/libc.ts'
import { runCommand } from '../linux/process/run-command.ts'
import type { VolumeDevice } from './local-driver.ts'

/** The kernel's side of volumes, so that the store can be tested without root. */
export interface VolumeMounter {
  readonly isMounted: (target: string) => Promise<boolean>
  /** Throws 500 in Docker's words. */
  readonly mount: (device: VolumeDevice, target: string) => Promise<void>
  readonly unmount: (target: string) => void
  /** Binds what is at `source`, a path that nobody can change meanwhile, to `target`. */
  readonly bind: (source: string, target: string) => void
}

/** A server that does not answer holds a mount up; a client's request waits no longer than this. */
const MOUNT_MS_MAX = 60_000

/** Mounts with mount(2), and what may wait for a network with mount(8); knows what is mounted from /proc/self/mountinfo. */
export function createKernelMounter(clock: Clock): VolumeMounter {
  return {
    async isMounted(target) {
      const table = await readFile('/proc/self/mountinfo', 'utf8')
      const escaped = target.replaceAll(/[\\ \t\n]/g, char => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)
      return table.split('\n').some(line => line.split(' ')[4] === escaped)
    },
    async mount(device, target) {
      const resolved = { ...device, data: await resolveAddress(device.data) }
      try {
        const isPlain = device.flags.every(word => PLAIN_WORDS.has(word))
        if (isPlain && isBind(device)) bindDevice(device, target)
        else if (isPlain && device.type === 'tmpfs') mountTmpfs(resolved, target)
        else await runMount(resolved, target, clock)
      } catch (error) {
        const data = resolved.data === '' ? '' : `, data: ${resolved.data}`
        throw failed(
          'VOLUME_MOUNT_FAILED',
          `error while mounting volume '${target}': failed to mount local volume: mount ${device.device}:${target}${flagText(device)}${data}: ${reasonOf(error)}`,
          { cause: error },
        )
      }
    },
    unmount,
    bind: (source, target) => mount({ source, target, flags: MOUNT_FLAGS.bind | MOUNT_FLAGS.recursive }),
  }
}

const ATTRIBUTES: Readonly<Record<string, number>> = {
  ro: MOUNT_FLAGS.readOnly,
  nosuid: MOUNT_FLAGS.noSuid,
  nodev: MOUNT_FLAGS.noDev,
  noexec: MOUNT_FLAGS.noExec,
}

/** Words that are worth a system call of our own; mount(8) knows what to do about the others. */
const PLAIN_WORDS: ReadonlySet<string> = new Set([...Object.keys(ATTRIBUTES), 'rw', 'defaults', 'bind', 'rbind'])

const attributesOf = ({ flags }: VolumeDevice): number => flags.reduce((sum, word) => sum | (ATTRIBUTES[word] ?? 0), 0)

const isBind = ({ flags }: VolumeDevice): boolean => flags.includes('bind') || flags.includes('rbind')

function bindDevice(device: VolumeDevice, target: string): void {
  const recursive = device.flags.includes('rbind') ? MOUNT_FLAGS.recursive : 0
  mount({ source: device.device, target, flags: MOUNT_FLAGS.bind | recursive })
  const attributes = attributesOf(device)
  // A bind ignores every other flag until it is remounted.
  if (attributes === 0) return
  try {
    mount({ source: device.device, target, flags: MOUNT_FLAGS.bind | MOUNT_FLAGS.remount | attributes })
  } catch (error) {
    // Left as it is it would pass for mounted, and be written to although it should be read-only.
    unmount(target)
    throw error
  }
}

function mountTmpfs(device: VolumeDevice, target: string): void {
  mount({
    source: device.device || 'tmpfs',
    target,
    type: device.type,
    flags: attributesOf(device),
    data: device.data,
  })
}

/** In a process of its own: mount(2) of a server that is down would hold up every request of this one. `-i`: no helpers. */
async function runMount({ type, device, data, flags }: VolumeDevice, target: string, clock: Clock): Promise<void> {
  const options = [...flags.filter(word => word !== 'defaults'), ...(data === '' ? [] : [data])].join(',')
  const argv = ['-i', '-n', ...(type === '' ? [] : ['-t', type]), ...(options === '' ? [] : ['-o', options])]
  await runCommand('mount', [...argv, '--', device, target], { clock, timeoutMs: MOUNT_MS_MAX })
}

/** `addr=` of a network file system may be a name; the kernel only takes an address. */
async function resolveAddress(data: string): Promise<string> {
  const name = /(?:^|,)addr=([^,]+)/.exec(data)?.[1]
  if (name === undefined || isIP(name) !== 0) return data
  try {
    const { address } = await lookup(name)
    return data.replace(`addr=${name}`, `addr=${address}`)
  } catch (cause) {
    throw failed('VOLUME_MOUNT_FAILED', 'error resolving passed in network volume address', { cause })
  }
}

function flagText(device: VolumeDevice): string {
  const bits =
    attributesOf(device) |
    (isBind(device) ? MOUNT_FLAGS.bind : 0) |
    (device.flags.includes('rbind') ? MOUNT_FLAGS.recursive : 0)
  return bits === 0 ? '' : `, flags: 0x${bits.toString(16)}`
}

/** The system's words, as Docker passes them on. */
function reasonOf(error: unknown): string {
  if (error instanceof SyscallError) return getSystemErrorMessage(-error.errno)
  const stderr = error instanceof ShoalError ? error.details['stderr'] : undefined
  const [said = ''] = typeof stderr === 'string' ? stderr.split('\n') : []
  return said === '' ? errorMessage(error) : said.replace(/^mount: [^:]*: /, '').replace(/\.$/, '')
}
