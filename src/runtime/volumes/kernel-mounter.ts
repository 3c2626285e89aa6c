import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { getSystemErrorMessage } from 'node:util'
import type { Clock } from '../../core/clock.ts'
import { errorMessage, failed } from '../../core/errors.ts'
import { MOUNT_FLAGS, type MountRequest, mount, unmount } from '../linux/mount.ts'
import { SyscallError } from '../linux/process/libc.ts'
import type { VolumeDevice } from './local-driver.ts'
import { mountApart } from './mount-apart.ts'
import { readMountWords } from './mount-words.ts'

/** The kernel's side of volumes, so that the store can be tested without root. */
export interface VolumeMounter {
  readonly isMounted: (target: string) => Promise<boolean>
  /** Throws 500 in Docker's words. */
  readonly mount: (device: VolumeDevice, target: string) => Promise<void>
  readonly unmount: (target: string) => void
  /** Binds what is at `source`, a path that nobody can change meanwhile, to `target`. */
  readonly bind: (source: string, target: string) => void
}

/** Mounts with mount(2), in a process of its own what may wait for a network; knows what is mounted from /proc/self/mountinfo. */
export function createKernelMounter(clock: Clock): VolumeMounter {
  return {
    async isMounted(target) {
      const table = await readFile('/proc/self/mountinfo', 'utf8')
      const escaped = target.replaceAll(/[\\ \t\n]/g, char => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)
      return table.split('\n').some(line => line.split(' ')[4] === escaped)
    },
    async mount(device, target) {
      const bits = readMountWords(device.flags)
      const resolved = await resolveServer(device)
      const { type, data } = resolved
      const request = { source: resolved.device, target, type, flags: bits.flags, data }
      try {
        if ((bits.flags & MOUNT_FLAGS.bind) !== 0) bindDevice(request)
        else if (type === 'tmpfs') mount({ ...request, source: request.source || 'tmpfs' })
        else await mountApart(request, { clock })
        if (bits.propagation !== 0) propagate(target, bits.propagation)
      } catch (error) {
        throw failed(
          'VOLUME_MOUNT_FAILED',
          `error while mounting volume '${target}': failed to mount local volume: ${describe(request)}: ${reasonOf(error)}`,
          { cause: error },
        )
      }
    },
    unmount,
    bind: (source, target) => mount({ source, target, flags: MOUNT_FLAGS.bind | MOUNT_FLAGS.recursive }),
  }
}

function bindDevice({ source, target, flags }: Required<MountRequest>): void {
  const placing = MOUNT_FLAGS.bind | (flags & MOUNT_FLAGS.recursive)
  mount({ source, target, flags: placing })
  const attributes = flags & ~placing
  // A bind ignores every other flag until it is remounted.
  if (attributes === 0) return
  try {
    mount({ source, target, flags: MOUNT_FLAGS.bind | MOUNT_FLAGS.remount | attributes })
  } catch (error) {
    // Left as it is it would pass for mounted, and be written to although it should be read-only.
    unmount(target)
    throw error
  }
}

function propagate(target: string, flags: number): void {
  try {
    mount({ source: '', target, flags })
  } catch (error) {
    unmount(target)
    throw error
  }
}

/** The kernel takes addresses only: `addr=` may be a name, and so may the server of cifs' `//server/share`. */
async function resolveServer(device: VolumeDevice): Promise<VolumeDevice> {
  const named = /(?:^|,)addr=([^,]+)/.exec(device.data)?.[1]
  if (named !== undefined) {
    return { ...device, data: device.data.replace(`addr=${named}`, `addr=${await addressOf(named)}`) }
  }
  const server = device.type === 'cifs' ? /^\/\/([^/@]+)/.exec(device.device)?.[1] : undefined
  if (server === undefined) return device
  return { ...device, device: device.device.replace(server, await addressOf(server)) }
}

async function addressOf(name: string): Promise<string> {
  if (isIP(name) !== 0) return name
  try {
    return (await lookup(name)).address
  } catch (cause) {
    throw failed('VOLUME_MOUNT_FAILED', 'error resolving passed in network volume address', { cause })
  }
}

/** As Docker words it; who reads an error need not know the password. */
function describe({ source, target, flags, data }: Required<MountRequest>): string {
  const flagText = flags === 0 ? '' : `, flags: 0x${flags.toString(16)}`
  const shown = data.replaceAll(/(?<=^|,)(pass(?:word2?)?)=[^,]*/g, '$1=********')
  return `mount ${source}:${target}${flagText}${shown === '' ? '' : `, data: ${shown}`}`
}

/** Where the C library's words, which Docker passes on, are others than the platform's. */
const WORDS: Readonly<Record<string, string>> = { EHOSTUNREACH: 'no route to host', EIO: 'input/output error' }

function reasonOf(error: unknown): string {
  if (!(error instanceof SyscallError)) return errorMessage(error)
  return WORDS[error.code] ?? getSystemErrorMessage(-error.errno)
}
