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
export const DRY_RUN = flag('--dry-run', 'only print what would be done')
export const FORCE_YES = flag('-f, --force', 'do not ask')

/** A flag of docker's that is told why it cannot be. */
export function refused(text: string, why: string): OptionDefinition {
  return { flags: text, summary: why, refused: why, hidden: true }
}

/** Docker's default: nobody looks for signatures. */
export const NO_TRUST: OptionDefinition = {
  flags: '--disable-content-trust',
  summary: 'do not look for signatures (always)',
  hidden: true,
}
