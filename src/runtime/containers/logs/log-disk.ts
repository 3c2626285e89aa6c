import { watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Clock } from '../../../core/clock.ts'
import { errorCode } from '../../../core/errors.ts'
import type { LogLimits } from './log-config.ts'
import { reopenLog, rotateLog } from './rotate.ts'

export interface RotatedLog {
  readonly path: string
  /** conmon's control fifo. */
  readonly controlPath: string
  readonly limits: LogLimits
}

/** What rotation needs of the file system. */
export interface LogDisk {
  /** Undefined if there is no such log, or none at this moment. */
  readonly sizeOf: (path: string) => Promise<number | undefined>
  readonly rotate: (log: RotatedLog) => Promise<boolean>
  /** Calls `onWritten` at a change, until it is closed. Throws if it cannot be watched. */
  readonly watch: (path: string, onWritten: () => void) => { readonly close: () => void }
}

export function logDisk(clock: Clock): LogDisk {
  return {
    async sizeOf(path) {
      try {
        return (await stat(path)).size
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined
        throw error
      }
    },
    rotate: ({ path, limits, controlPath }) => rotateLog(path, limits, { clock, reopen: () => reopenLog(controlPath) }),
    watch: (path, onWritten) => watch(path, { persistent: false }, onWritten).on('error', onWritten),
  }
}
