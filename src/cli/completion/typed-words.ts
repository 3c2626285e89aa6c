import type { CommandDefinition, CommandGroup, OptionDefinition } from '../command.ts'
import { commandCalled } from '../named-commands.ts'

/** The command that shells ask for names with. */
export const ASK = '__names'

/** What has names that can be asked for, as it is called in the use of commands. */
const NAMED_KINDS = [
  'service',
  'service=number',
  'profile',
  'project',
  'node',
  'container',
  'image',
  'network',
  'volume',
] as const
export type NamedKind = (typeof NAMED_KINDS)[number]

export function hasNames(kind: string): kind is NamedKind {
  return NAMED_KINDS.some(known => known === kind)
}

/** A command line up to the word that is to be completed. */
export interface TypedWords {
  /** What is to follow, as help calls it: `service`; undefined: a command, or nothing of which there are names. */
  readonly kind: string | undefined
  /** Values of its flags, by their names in camel case, as `readOptions` takes them. */
  readonly values: Readonly<Record<string, unknown>>
}

/** Reads what stands before the word that is to be completed. Pure. */
export function readTyped(words: readonly string[], root: CommandGroup): TypedWords {
  const values: Record<string, string[]> = {}
  const args: string[] = []
  let at: CommandDefinition = root
  let options: readonly OptionDefinition[] = root.options ?? []
  let pending: OptionDefinition | undefined
  const set = ({ flags }: OptionDefinition, value: string): void => {
    const name = nameOf(flags)
    values[name] = [...(values[name] ?? []), value]
  }
  for (const word of words) {
    const isPassedOn = 'load' in at && at.passThrough === true && args.length > 0
    if (pending !== undefined) {
      set(pending, word)
      pending = undefined
    } else if (word.startsWith('-') && word !== '-' && !isPassedOn) {
      const [flag, value] = splitAt(word, '=')
      const option = options.find(each => takesValue(each) && each.flags.split(/[ ,]+/).includes(flag))
      if (option !== undefined && value !== undefined) set(option, value)
      else pending = option
    } else if ('commands' in at) {
      const next = commandCalled(word, at)
      if (next === undefined) return { kind: undefined, values: plain(values) }
      at = next
      options = [...options, ...(next.options ?? [])]
    } else args.push(word)
  }
  const kind = pending === undefined ? argumentAt(at, args.length) : placeholder(pending.flags)
  return { kind, values: plain(values) }
}

/** What stands for arguments and for the values of flags in a command's use. */
export function kindsOf(definition: CommandDefinition): readonly string[] {
  const args = 'load' in definition ? (definition.args ?? '').split(' ') : []
  const flags = (definition.options ?? []).flatMap(option => placeholder(option.flags) ?? [])
  return [...args.map(bare), ...flags]
}

function argumentAt(at: CommandDefinition, index: number): string | undefined {
  const args = 'load' in at ? (at.args ?? '').split(' ').filter(word => word !== '') : []
  const last = args.at(-1)
  const word = args[index] ?? (last?.includes('...') === true ? last : undefined)
  return word === undefined ? undefined : bare(word)
}

/** `[service...]` is `service`. */
function bare(word: string): string {
  return word.replace(/^[<[]/, '').replace(/(\.\.\.)?[>\]]$/, '')
}

function placeholder(flags: string): string | undefined {
  return / <(.*)>$/.exec(flags)?.[1]
}

/** The flags that a value follows, each way they are written. */
export function valueFlags(options: readonly OptionDefinition[]): readonly string[] {
  return options.filter(takesValue).flatMap(({ flags }) => flags.replace(/ <.*$/, '').split(/[ ,]+/))
}

function takesValue({ flags }: OptionDefinition): boolean {
  return placeholder(flags) !== undefined
}

function nameOf(flags: string): string {
  const long = /--([\w-]+)/.exec(flags)?.[1] ?? ''
  return long.replaceAll(/-([a-zA-Z])/g, (_, letter: string) => letter.toUpperCase())
}

function splitAt(text: string, sign: string): readonly [string, string?] {
  const index = text.indexOf(sign)
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)]
}

/** A flag that was given once has a text, one that was given again a list. */
function plain(values: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all.length === 1 ? all[0] : all]))
}
