import { pino } from 'pino'
import { invalidInput } from '../core/errors.ts'
import type { Log } from '../core/log.ts'

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const

/** A logger of JSON lines on stderr. Levels are classic Swarm's and dockerd's. Throws BAD_FLAG for another. */
export function createLogger(level = 'info'): Log {
  if (!LOG_LEVELS.some(known => known === level)) {
    throw invalidInput('BAD_FLAG', `Cannot use --log-level "${level}": expected one of ${LOG_LEVELS.join(', ')}`)
  }
  // Synchronous: what was logged before a crash is there.
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }))
}
