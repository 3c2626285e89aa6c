import type { CommandContext, Options } from '../../command.ts'

/** Whether what is run in a container gets a terminal: if we have one, and neither `-T` nor `-d` says otherwise. */
export function wantsTerminal(options: Options, { stdin, stdout }: Pick<CommandContext, 'stdin' | 'stdout'>): boolean {
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true
  return isTerminal && ![options.choice('tty'), options.choice('TTY')].includes(false) && !options.flag('detach')
}
