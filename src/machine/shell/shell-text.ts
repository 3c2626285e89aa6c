import { invalidInput } from '../../core/errors.ts'

/** How a shell writes variables, and how a person has it read them. The same words as docker-machine's. */
interface ShellDialect {
  readonly set: (name: string, value: string) => string
  readonly unset: (name: string) => string
  readonly comment: string
  /** How the lines are taken over, given the command that printed them. */
  readonly hint: (command: string) => string
}

const POSIX: ShellDialect = {
  // The sign at the end parts commands where eval gets them as one line, as it does without quotes around $(...).
  set: (name, value) => `export ${name}="${backslashed(value, /["\\$`]/g)}";`,
  unset: name => `unset ${name};`,
  comment: '#',
  hint: command => `eval $(${command})`,
}

const DIALECTS: Readonly<Record<string, ShellDialect>> = {
  fish: {
    set: (name, value) => `set -gx ${name} "${backslashed(value, /["\\$]/g)}";`,
    unset: name => `set -e ${name};`,
    comment: '#',
    hint: command => `eval (${command})`,
  },
  powershell: {
    set: (name, value) => `$Env:${name} = "${value.replaceAll(/[`"$]/g, '`$&')}"`,
    unset: name => `Remove-Item Env:\\\\${name}`,
    comment: '#',
    hint: command => `& ${command} | Invoke-Expression`,
  },
  cmd: {
    set: (name, value) => `SET ${name}=${value}`,
    unset: name => `SET ${name}=`,
    comment: 'REM',
    hint: command => `\t@FOR /f "tokens=*" %i IN ('${command}') DO @%i`,
  },
  tcsh: {
    set: (name, value) => `setenv ${name} "${backslashed(value, /["\\$`!]/g)}";`,
    unset: name => `unsetenv ${name};`,
    comment: ':',
    hint: command => `eval \`${command}\``,
  },
  emacs: {
    set: (name, value) => `(setenv "${name}" "${backslashed(value, /["\\]/g)}")`,
    unset: name => `(setenv "${name}" nil)`,
    comment: ';;',
    hint: command => `(with-temp-buffer (shell-command "${command}" (current-buffer)) (eval-buffer))`,
  },
}

/** Variables in the order they are printed; undefined unsets. */
export type Variables = readonly (readonly [name: string, value: string | undefined])[]

/**
 * The lines that set variables in a shell, with the hint below how to have it read them. Any shell that is not known is
 * taken for one like sh, as docker-machine does.
 */
export function shellText(shell: string, variables: Variables, command: string): string {
  const dialect = DIALECTS[shell] ?? POSIX
  const lines = variables.map(([name, value]) =>
    value === undefined ? dialect.unset(name) : dialect.set(name, oneLine(name, value)),
  )
  const hints = [
    `${dialect.comment} Run this command to configure your shell: `,
    `${dialect.comment} ${dialect.hint(command)}`,
  ]
  return [...lines, ...hints].map(line => `${line}\n`).join('')
}

/** The kind of a shell, from the path in $SHELL. Throws UNKNOWN_SHELL for none. */
export function shellOf(path: string | undefined): string {
  const name = path?.split('/').at(-1) ?? ''
  if (name !== '') return name
  throw invalidInput('UNKNOWN_SHELL', 'Unknown shell: $SHELL is not set, say which with --shell, such as --shell bash')
}

function backslashed(value: string, signs: RegExp): string {
  return value.replaceAll(signs, '\\$&')
}

/** A shell would take what follows a line break for a command of its own. */
function oneLine(name: string, value: string): string {
  if (!/[\r\n\0]/.test(value)) return value
  throw invalidInput('BAD_VARIABLE', `The value of ${name} has a line break in it: no shell can be given that`)
}
