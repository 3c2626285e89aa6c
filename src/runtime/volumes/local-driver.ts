import { errorCode, errorMessage, failed, invalidInput, notFound } from '../../core/errors.ts'

/** A kernel mount that is the content of a volume. */
export interface VolumeDevice {
  readonly type: string
  readonly device: string
  /** Mount options with a meaning for the generic layer taken out into `flags`. */
  readonly data: string
  readonly flags: readonly MountWord[]
}

const MOUNT_WORDS = ['bind', 'rbind', 'ro', 'nosuid', 'nodev', 'noexec'] as const
type MountWord = (typeof MOUNT_WORDS)[number]

/**
 * Reads the local driver's options `type`, `o` and `device` (mount(8)'s words). Undefined: a plain directory.
 *
 * Supported are tmpfs and binds; anything else is refused by name, so that nobody loses data to a volume that is not what
 * it was asked to be.
 */
export function readDriverOptions(driver: string, options: Readonly<Record<string, string>>): VolumeDevice | undefined {
  if (driver !== 'local' && driver !== '') {
    throw notFound('NO_VOLUME_DRIVER', `plugin "${driver}" not found: only the volume driver "local" is built in`)
  }
  const unknown = Object.keys(options).find(key => !['type', 'o', 'device'].includes(key))
  if (unknown !== undefined) refuse(`invalid option: "${unknown}": expected type, o or device`)
  const { type = '', o = '', device = '' } = options
  if (type === '' && o === '' && device === '') return undefined
  const words = o.split(',').filter(word => word !== '')
  const flags = MOUNT_WORDS.filter(word => words.includes(word))
  const data = words.filter(word => word !== 'rw' && !flags.some(flag => flag === word)).join(',')
  const isBind = flags.includes('bind') || flags.includes('rbind')
  if (isBind) {
    if (!device.startsWith('/')) refuse('missing device in volume options: o=bind needs device=/an/absolute/path')
    return { type: 'none', device, data, flags }
  }
  if (type !== 'tmpfs') {
    refuse(`local volume type "${type}" is not supported: use type=tmpfs, or o=bind with device=/a/path`)
  }
  return { type, device: device || 'tmpfs', data, flags }
}

function refuse(why: string): never {
  throw invalidInput('BAD_VOLUME_OPTION', why)
}

/** The kernel's side of a volume, so that the store can be tested without root. */
export interface VolumeMounter {
  readonly isMounted: (target: string) => Promise<boolean>
  readonly mount: (device: VolumeDevice, target: string) => void
  readonly unmount: (target: string) => void
}

/** Mounts a volume's device at its data directory unless it is there already. */
export async function ensureMounted(
  mounter: VolumeMounter,
  volume: { name: string; device: VolumeDevice; target: string },
): Promise<void> {
  if (await mounter.isMounted(volume.target)) return
  try {
    mounter.mount(volume.device, volume.target)
  } catch (error) {
    const missing = errorCode(error) === 'ENOENT' ? `: ${volume.device.device} does not exist` : ''
    throw failed(
      'VOLUME_MOUNT_FAILED',
      `Cannot mount volume "${volume.name}" (${volume.device.type} ${volume.device.device})${missing}: ${errorMessage(error)}`,
      { cause: error },
    )
  }
}
