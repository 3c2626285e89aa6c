import { constants } from 'node:os'
import { invalidInput } from '../../../core/errors.ts'

/** Reads a signal as docker takes it: `SIGTERM`, `TERM`, `term` or `15`. Throws 400 `Invalid signal: x`. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text)
    if (number >= 1 && number <= 64) return number
  }
  const upper = text.toUpperCase()
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`
  const known = Object.entries(constants.signals).find(([signal]) => signal === name)
  if (known !== undefined) return known[1]
  const realtime = /^SIGRT(MIN(?:\+(\d+))?|MAX(?:-(\d+))?)$/.exec(name)
  if (realtime !== null) {
    const number = name.startsWith('SIGRTMIN') ? 34 + Number(realtime[2] ?? 0) : 64 - Number(realtime[3] ?? 0)
    if (number >= 34 && number <= 64) return number
  }
  throw invalidInput('BAD_SIGNAL', `Invalid signal: ${text}`)
}
