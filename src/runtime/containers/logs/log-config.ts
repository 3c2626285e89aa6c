import { invalidInput } from '../../../core/errors.ts'
import { parseBytes } from '../../../core/units.ts'

export interface LogLimits {
  /** The newest file may grow a little over this before it is rotated. */
  readonly bytesMax: number
  /** Files kept, the newest included. */
  readonly filesMax: number
}

export interface LogConfig {
  readonly Type?: string
  readonly Config?: Readonly<Record<string, string>> | null
}

/** A flood must not fill the disk: these are the limits of Docker's `local` driver, for its `json-file` too. */
export const DEFAULT_LOG_LIMITS: LogLimits = { bytesMax: 20 * 1000 * 1000, filesMax: 5 }

const FILE_OPTIONS = ['max-size', 'max-file', 'compress']
const ATTRIBUTE_OPTIONS = ['labels', 'labels-regex', 'env', 'env-regex', 'tag']
/** Options of each driver, and of every driver. `k8s-file` is what the files are. */
const DRIVER_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  'json-file': [...FILE_OPTIONS, ...ATTRIBUTE_OPTIONS],
  'k8s-file': [...FILE_OPTIONS, ...ATTRIBUTE_OPTIONS],
  local: FILE_OPTIONS,
}
const COMMON_OPTIONS = ['mode', 'max-buffer-size']

/**
 * Reads a container's LogConfig. Undefined for driver `none`: nothing is kept. Throws 400 in Docker's words for drivers
 * that are not here and for options that make no sense.
 */
export function readLogConfig({ Type, Config }: LogConfig): LogLimits | undefined {
  const driver = Type || 'json-file'
  if (driver === 'none') return undefined
  const known = DRIVER_OPTIONS[driver]
  if (known === undefined) {
    throw invalidInput(
      'BAD_LOG_DRIVER',
      `logger: no log driver named '${driver}' is registered: use json-file, local or none`,
    )
  }
  const options = Config ?? {}
  checkDelivery(options)
  const unknown = Object.keys(options).find(key => ![...known, ...COMMON_OPTIONS].includes(key))
  if (unknown !== undefined) {
    const where = driver === 'local' ? 'log driver local' : `${driver} log driver`
    throw badOption(`unknown log opt '${unknown}' for ${where}`)
  }
  for (const key of ['labels-regex', 'env-regex']) checkPattern(key, options[key])
  const limits = limitsOf(options, driver)
  if (options['compress'] === 'true' && driver !== 'local' && !(options['max-size'] && limits.filesMax > 1)) {
    throw badOption('compress cannot be true when max-file is less than 2 or max-size is not set')
  }
  if (!['true', 'false', undefined].includes(options['compress'])) {
    throw badOption(`invalid value for compress: ${options['compress']}: expected true or false`)
  }
  return limits
}

/** `mode` and `max-buffer-size` say what happens when a log is slow; ours is a file, which never makes anyone wait. */
function checkDelivery(options: Readonly<Record<string, string>>): void {
  const mode = options['mode'] ?? ''
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw badOption(`logger: logging mode not supported: ${mode}`)
  const size = options['max-buffer-size']
  if (size === undefined) return
  if (mode !== 'non-blocking') {
    throw badOption("logger: max-buffer-size option is only supported with 'mode=non-blocking'")
  }
  parseBytes(size)
}

function limitsOf(options: Readonly<Record<string, string>>, driver: string): LogLimits {
  const size = options['max-size']
  const bytesMax = size === undefined ? DEFAULT_LOG_LIMITS.bytesMax : size === '-1' ? Infinity : parseBytes(size)
  if (bytesMax <= 0) throw badOption(`invalid value for max-size: ${size}: expected more than 0`)
  // As in Docker, who limits the size of a json-file and says no more has asked for one file.
  const unsaid = Number.isFinite(bytesMax) && size !== undefined && driver !== 'local' ? 1 : DEFAULT_LOG_LIMITS.filesMax
  const count = options['max-file']
  const filesMax = count === undefined ? unsaid : Number(count)
  if (!Number.isInteger(filesMax) || filesMax > 1_000) {
    throw badOption(`invalid value for max-file: ${count}: expected 1 to 1000`)
  }
  if (filesMax < 1) throw badOption('invalid log opt: max-file cannot be less than 1')
  return { bytesMax, filesMax }
}

function checkPattern(key: string, pattern: string | undefined): void {
  try {
    RegExp(pattern ?? '')
  } catch {
    throw badOption(`invalid value for ${key}: ${pattern}: expected a regular expression`)
  }
}

function badOption(message: string): Error {
  return invalidInput('BAD_LOG_OPTION', message)
}
