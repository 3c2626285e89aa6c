import { invalidInput, notFound } from '../../core/errors.ts'
import { isMountWord } from './mount-words.ts'

/** A kernel mount that is the content of a volume. */
export interface VolumeDevice {
  readonly type: string
  readonly device: string
  /** Mount options that are words for the kernel's generic layer: `ro`, `bind`, `noexec`. */
  readonly flags: readonly string[]
  /** The others, as the file system wants them. */
  readonly data: string
}

const OPTIONS = ['type', 'o', 'device']

/**
 * Reads the local driver's options `type`, `o` and `device`: mount(8)'s words, handed to the kernel when the volume is first
 * used. Undefined: a plain directory. Throws in Docker's words: 404 for another driver, 400 for options it does not have.
 */
export function readDriverOptions(
  driver: string,
  options: Readonly<Record<string, string>> | null,
): VolumeDevice | undefined {
  if (driver !== 'local' && driver !== '') {
    throw notFound('NO_VOLUME_DRIVER', `error looking up volume plugin ${driver}: plugin "${driver}" not found`)
  }
  const names = Object.keys(options ?? {})
  if (options === null || names.length === 0) return undefined
  if ('size' in options) refuse('quota size requested but no quota support')
  const unknown = names.find(name => !OPTIONS.includes(name))
  if (unknown !== undefined) refuse(`invalid option: "${unknown}"`)
  const { type, o = '', device } = options
  if (device === undefined) return refuse('missing required option: "device"')
  if (type === undefined) return refuse('missing required option: "type"')
  const words = o.split(',').filter(word => word !== '')
  return {
    type,
    device,
    flags: words.filter(isMountWord),
    data: words.filter(word => !isMountWord(word)).join(','),
  }
}

function refuse(why: string): never {
  throw invalidInput('BAD_VOLUME_OPTION', why)
}
