import type { CommandDefinition, CommandGroup, OptionDefinition } from './command.ts'

/**
 * The commands that a line names, each in the one before, as far as that is sure before the line is parsed: up to a word that names
 * none, to what asks for help, and to letters written as one (`-DH`), of which the last may take the next word. Pure.
 */
export function namedCommands(argv: readonly string[], root: CommandGroup): readonly CommandDefinition[] {
  const named: CommandDefinition[] = []
  let at: CommandDefinition = root
  let options: readonly OptionDefinition[] = root.options ?? []
  for (let index = 0; index < argv.length && 'commands' in at; index++) {
    const token = argv[index] ?? ''
    if (token.startsWith('-')) {
      if (['-', '--', '-h', '--help'].includes(token) || isCluster(token, options)) break
      if (takesNext(token, options)) index++
      continue
    }
    const next = commandCalled(token, at)
    if (next === undefined) break
    named.push(next)
    at = next
    options = [...options, ...(next.options ?? [])]
  }
  return named
}

/** The command of a group by its name, or by another one it goes by. */
export function commandCalled(name: string, { commands }: CommandGroup): CommandDefinition | undefined {
  return commands.find(each => each.name === name || each.aliases?.includes(name) === true)
}

/** Whether the next word is this flag's value. */
export function takesNext(token: string, options: readonly OptionDefinition[]): boolean {
  return options.some(({ flags }) => {
    const [, short, long] = /^(?:(-\w), )?(--[\w-]+) </.exec(flags) ?? []
    return token === short || token === long
  })
}

/** `-DH` is several letters, `-Hunix:///run/x.sock` one with its value. */
function isCluster(token: string, options: readonly OptionDefinition[]): boolean {
  return /^-[^-]./.test(token) && !takesNext(token.slice(0, 2), options)
}
