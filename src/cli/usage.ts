import type { CommanderError } from 'commander'
import { EXIT_CODES, errorCode, errorMessage, invalidInput, ShoalError } from '../core/errors.ts'
import type { CommandDefinition, CommandLeaf, OptionDefinition } from './command.ts'

/** A command line that cannot be read. The message is all that a person is shown: what is wrong, and how it is done. */
export class UsageError extends ShoalError {
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT_CODES.usage) {
    super('BAD_USAGE', 400, message)
    this.exitCode = exitCode
  }
}

const BAD_ARGUMENT = 'BAD_ARGUMENT'

/** A value that a flag can never have; the program adds how the command is used. `flag` as in an option's definition. */
export function badArgument(flag: string, value: string, why: string): Error {
  return invalidInput(BAD_ARGUMENT, `invalid argument "${value}" for "${flag.replace(/ [<[].*/, '')}" flag: ${why}`)
}

/** Reads a flag's value; what the reader throws is told as the flag's. */
export function readArgument<T>(flag: string, value: string, read: (value: string) => T): T {
  try {
    return read(value)
  } catch (error) {
    if (error instanceof ShoalError && error.status === 400) throw badArgument(flag, value, error.message)
    throw error
  }
}

export function isBadArgument(error: unknown): boolean {
  return errorCode(error) === BAD_ARGUMENT
}

/** The command and the words that lead to it: `shoal network create`. */
export interface Named {
  readonly path: string
  readonly definition: CommandDefinition
}

/** What follows a leaf's name: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
export function usageOf({ usage, options = [], args = '' }: CommandLeaf): string {
  if (usage !== undefined) return usage
  const words = args.split(' ').filter(word => word !== '')
  const shown = words.map(word => {
    const name = word
      .replace(/^[<[]/, '')
      .replace(/(\.\.\.)?[>\]]$/, '')
      .toUpperCase()
    if (!word.includes('...')) return word.startsWith('<') ? name : `[${name}]`
    return word.startsWith('<') ? `${name} [${name}...]` : `[${name}...]`
  })
  return [...(options.length === 0 ? [] : ['[OPTIONS]']), ...shown].join(' ')
}

/** What is wrong, in docker's words, and below it how the command is used. */
export function usageError(what: string, { path, definition }: Named): UsageError {
  const isLeaf = !('commands' in definition)
  const usage = isLeaf ? usageOf(definition) : path.includes(' ') ? 'COMMAND' : '[OPTIONS] COMMAND [ARG...]'
  const pointer = `Run '${path} --help' for more information`
  const exitCode = isLeaf ? definition.usageCode : undefined
  return new UsageError(`${what}\n\nUsage:  ${`${path} ${usage}`.trimEnd()}\n\n${pointer}`, exitCode)
}

/** A refusal of the argument parser in docker's words; undefined for what is no error, such as help that was shown. */
export function parserError(error: CommanderError, named: Named): UsageError | undefined {
  if (error.exitCode === 0) return undefined
  const [program = ''] = named.path.split(' ')
  switch (error.code) {
    case 'commander.unknownOption':
      return usageError(unknownFlag(quoted(error.message), named.definition.options ?? []), named)
    case 'commander.optionMissingArgument':
      return usageError(`flag needs an argument: ${nameOfFlag(quoted(error.message))}`, named)
    case 'commander.missingArgument':
    case 'commander.excessArguments':
      return usageError(`${program}: '${named.path}' ${countOf(named.definition)}`, named)
    case 'commander.unknownCommand':
      return unknownCommand(error.message, named)
    default:
      return error.code.startsWith('commander.help')
        ? undefined
        : usageError(errorMessage(error).replace(/^error: /, ''), named)
  }
}

function unknownCommand(message: string, { path }: Named): UsageError {
  const [program = ''] = path.split(' ')
  const hint = /\(Did you mean .*\)/.exec(message)?.[0]
  const what = `${program}: unknown command: ${path} ${quoted(message)}${hint === undefined ? '' : `\n${hint}`}`
  return new UsageError(`${what}\n\nRun '${path} --help' for more information`)
}

/** What the parser puts between quotes: the flag or the word that it stumbled over. */
function quoted(message: string): string {
  return /'([^\n]*)'/.exec(message)?.[1] ?? ''
}

function unknownFlag(text: string, options: readonly OptionDefinition[]): string {
  const [, name = text, value] = /^--([\w-]+)=(.*)$/s.exec(text) ?? []
  const known = options.find(({ flags }) => new RegExp(`(^|\\s)--(no-)?${name}$`).test(flags))
  if (value !== undefined && known !== undefined) {
    const why = `strconv.ParseBool: parsing "${value}": invalid syntax`
    return badArgument(known.flags.replace('--no-', '--'), value, why).message
  }
  if (text.startsWith('--')) return `unknown flag: ${text.replace(/=.*$/s, '')}`
  return `unknown shorthand flag: '${text.slice(1, 2)}' in ${text}`
}

/** `-n, --last <number>` as the parser names it; which of both was written it does not say. */
function nameOfFlag(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags
}

/** `requires at least 1 argument`. */
function countOf(definition: CommandDefinition): string {
  const words = ('commands' in definition ? '' : (definition.args ?? '')).split(' ').filter(word => word !== '')
  const min = words.filter(word => word.startsWith('<')).length
  const max = words.some(word => word.includes('...')) ? Number.POSITIVE_INFINITY : words.length
  const count = (n: number): string => `${n} ${n === 1 ? 'argument' : 'arguments'}`
  if (max === 0) return 'accepts no arguments'
  if (max === min) return `requires ${count(min)}`
  if (max === Number.POSITIVE_INFINITY) return `requires at least ${count(min)}`
  return min === 0 ? `requires at most ${count(max)}` : `requires at least ${min} and at most ${count(max)}`
}
