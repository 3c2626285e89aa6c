import { constants } from 'node:os'
import { invalidInput } from '../../../core/errors.ts'

/** Numbers of real-time signals relative to the first and the last one: `RTMIN+3`. */
const REAL_TIME = /^RTM(?:IN(?:\+\d+)?|AX(?:-\d+)?)$/

/** Before anything is told of containers: throws BAD_FLAG for what is no signal: `TERM`, `sigterm`, `15` and `RTMIN+3` are. */
export function checkSignal(signal: string): void {
  const name = signal.toUpperCase().replace(/^SIG/, '')
  if (/^\d+$/.test(name) || REAL_TIME.test(name) || `SIG${name}` in constants.signals) return
  throw invalidInput('BAD_FLAG', `Invalid signal: ${signal}`)
}
