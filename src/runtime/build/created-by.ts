import type { InstructionOf } from './dockerfile/instructions.ts'
import { type BuildState, shellOf } from './state.ts'

/** How an image's history tells of a step that ran no command. Source: Docker's classic builder. */
export function withoutCommand(state: BuildState, text: string): string {
  return [...shellOf(state), `#(nop) ${text}`].join(' ')
}

/** As Go prints a list of strings in quotes: `["a" "b"]`. */
export function quotedList(words: readonly string[]): string {
  return `[${words.map(word => JSON.stringify(word)).join(' ')}]`
}

/** As Go prints a health check. */
export function healthText({ check }: InstructionOf<'HEALTHCHECK'>, test: readonly string[]): string {
  const times = [check.interval, check.timeout, check.startPeriod].map(time => JSON.stringify(goDuration(time)))
  const retries = `'\\x${check.retries.toString(16).padStart(2, '0')}'`
  return `&{${quotedList(test)} ${times.join(' ')} ${retries}}`
}

/** Nanoseconds as Go prints them: `1m30s`, `500ms`. */
function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`
  const seconds = nanoseconds / 1e9
  const hours = Math.floor(seconds / 3_600)
  const minutes = Math.floor((seconds % 3_600) / 60)
  const rest = `${Number((seconds % 60).toFixed(9))}s`
  if (hours > 0) return `${hours}h${minutes}m${rest}`
  return minutes > 0 ? `${minutes}m${rest}` : rest
}

/** A command as the history of a RUN step has it, with the arguments it could see: part of what is cached. */
export function commandText(command: readonly string[], args: readonly string[] | undefined): string {
  const text = command.join(' ')
  return args === undefined ? text : [`|${args.length}`, ...args, text].join(' ')
}
