import { constants } from 'node:fs'
import { link, open, rename, rm, stat } from 'node:fs/promises'
import { type Clock, sleep } from '../../../core/clock.ts'
import { errorCode, failed, invalidInput } from '../../../core/errors.ts'
import { parseBytes } from '../../../core/units.ts'
import { rotatedPath } from './log-files.ts'

export interface LogLimits {
  /** The newest file may grow a little over this before it is rotated. */
  readonly bytesMax: number
  /** Files kept, the newest included. */
  readonly filesMax: number
}

export const DEFAULT_LOG_LIMITS: LogLimits = { bytesMax: 10 * 1024 * 1024, filesMax: 3 }

const DRIVERS = ['json-file', 'local', 'k8s-file']
/** Options of Docker's two file drivers that change nothing here: what they ask for does not apply to our files. */
const IGNORED = ['compress', 'mode', 'max-buffer-size', 'labels', 'labels-regex', 'env', 'env-regex', 'tag']

/** Reads a container's LogConfig. Undefined for driver `none`: nothing is kept. */
export function readLogConfig(config: {
  readonly Type?: string
  readonly Config?: Readonly<Record<string, string>> | null
}): LogLimits | undefined {
  const driver = config.Type || 'json-file'
  if (driver === 'none') return undefined
  if (!DRIVERS.includes(driver)) {
    throw invalidInput(
      'BAD_LOG_DRIVER',
      `logger: no log driver named '${driver}' is registered: use json-file, local or none`,
    )
  }
  const options = config.Config ?? {}
  const unknown = Object.keys(options).find(key => !['max-size', 'max-file', ...IGNORED].includes(key))
  if (unknown !== undefined) {
    throw invalidInput(
      'BAD_LOG_OPTION',
      `unknown log opt '${unknown}' for ${driver} log driver: use max-size and max-file`,
    )
  }
  const size = options['max-size']
  const bytesMax = size === undefined ? DEFAULT_LOG_LIMITS.bytesMax : size === '-1' ? Infinity : parseBytes(size)
  const filesMax = Number(options['max-file'] ?? DEFAULT_LOG_LIMITS.filesMax)
  if (!Number.isInteger(filesMax) || filesMax < 1 || filesMax > 1_000) {
    throw invalidInput('BAD_LOG_OPTION', `invalid value for max-file: ${options['max-file']}: expected 1 to 1000`)
  }
  if (bytesMax <= 0) throw invalidInput('BAD_LOG_OPTION', `invalid value for max-size: ${size}: expected more than 0`)
  return { bytesMax, filesMax }
}

/** conmon's control message "open the log anew": it writes a fresh file and renames it over the log's path. */
const REOPEN_LOG = '2 0 0\n'
const REOPEN_TIMEOUT_MS = 2_000

/** Asks conmon, through its control fifo, to go on in a new log file. False if no conmon is there any more. */
export async function reopenLog(controlPath: string): Promise<boolean> {
  try {
    await using fifo = await open(controlPath, constants.O_WRONLY | constants.O_NONBLOCK)
    await fifo.write(REOPEN_LOG)
    return true
  } catch (error) {
    if (['ENXIO', 'ENOENT'].includes(errorCode(error) ?? '')) return false
    throw error
  }
}

/**
 * Rotates a log that has grown over its limit; resolves true if it did. Nothing that is written meanwhile is lost: the
 * old file gets its second name before conmon leaves it. One call at a time for each log; safe to repeat after a crash.
 */
export async function rotateLog(
  path: string,
  { bytesMax, filesMax }: LogLimits,
  ports: { readonly clock: Clock; readonly reopen: () => Promise<boolean> },
): Promise<boolean> {
  const current = await statFile(path)
  if (current === undefined || current.size < bytesMax) return false
  if (filesMax > 1 && (await statFile(rotatedPath(path, 1)))?.ino !== current.ino) {
    await rm(rotatedPath(path, filesMax - 1), { force: true })
    for (let index = filesMax - 2; index >= 1; index--) {
      await renameIfThere(rotatedPath(path, index), rotatedPath(path, index + 1))
    }
    await link(path, rotatedPath(path, 1))
  }
  if (!(await ports.reopen())) return false
  const deadlineMs = ports.clock.monotonicMs() + REOPEN_TIMEOUT_MS
  while ((await statFile(path))?.ino === current.ino) {
    if (ports.clock.monotonicMs() > deadlineMs) {
      throw failed(
        'LOG_REOPEN_FAILED',
        `conmon did not reopen ${path} within ${REOPEN_TIMEOUT_MS / 1000} s; it will be asked again`,
      )
    }
    await sleep(ports.clock, 5)
  }
  return true
}

async function statFile(path: string): Promise<{ ino: number; size: number } | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}
