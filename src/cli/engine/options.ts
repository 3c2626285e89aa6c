import type { OptionDefinition } from '../command.ts'

/** A flag of a command. */
export function flag(flags: string, summary: string): OptionDefinition {
  return { flags, summary }
}

/** A flag that may be given several times. */
export function flags(text: string, summary: string): OptionDefinition {
  return { flags: text, summary, repeatable: true }
}

export const FILTER = flags('-f, --filter <key=value>', 'only those that match')
export const FORMAT = flag('--format <format>', 'table, json, or a template such as {{.Name}}')
export const NO_TRUNC = flag('--no-trunc', 'do not shorten')
export const QUIET = flag('-q, --quiet', 'only ids')
export const FORCE_YES = flag('-f, --force', 'do not ask')
