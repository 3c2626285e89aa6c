import type { Command } from 'commander'
import { EXIT_CODES, errorCode, errorMessage, unsupported } from '../core/errors.ts'
import type { CommandContext, CommandDefinition, CommandGroup, CommandLeaf, OptionDefinition } from './command.ts'
import { completionCommand, namesCommand } from './completion/completion.ts'
import { namedCommands } from './named-commands.ts'
import { readOptions } from './options.ts'
import { exitCodeOf, printError } from './output/print-error.ts'
import { plainSwitches } from './plain-switches.ts'
import { isBadArgument, parserError, usageError, usageOf } from './usage.ts'

export interface Program {
  /** A family run under its own name (`compose up`), or the umbrella with the families inside it. */
  readonly root: CommandGroup
  readonly version: string
}

/** As a shell reports Ctrl-C, and a request to end. */
const INTERRUPTED = 130
const TERMINATED = 143

/**
 * Runs one command line (`argv` without interpreter and script) and resolves with the exit code: 0 done, 1 failed, 2 used
 * wrongly, 3 refused by a check, 130 or 143 interrupted. Never rejects; what went wrong was printed to stderr in one sentence.
 */
export async function runProgram(
  argv: readonly string[],
  { root, version }: Program,
  context: CommandContext,
): Promise<number> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
    context.stdout.write(`${root.name} version ${version}\n`)
    return EXIT_CODES.done
  }
  try {
    return await parseAndRun(argv, { root, version }, context)
  } catch (error) {
    if (context.signal.aborted && isAbort(error, context.signal)) return interruptedBy(context.signal)
    if (isParserError(error)) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.usage
    if (context.env['SHOAL_DEBUG'] && error instanceof Error) context.stderr.write(`${error.stack ?? ''}\n`)
    return error instanceof Error ? printError(error, context.stderr) : exitCodeOf(error)
  }
}

async function parseAndRun(argv: readonly string[], program: Program, context: CommandContext): Promise<number> {
  const own = [completionCommand(program.root), namesCommand(program.root)]
  const root = { ...program.root, commands: [...program.root.commands, ...own] }
  // The parser is loaded here, not above: `--version` must not pay for it.
  const { Command } = await import('commander')
  const named = namedCommands(argv, root)
  let exitCode: number = EXIT_CODES.done
  const parser = new Command(root.name)
  const build = (parent: Command, definition: CommandDefinition): void => {
    const command = new Command(definition.name)
    parent.addCommand(command, 'load' in definition && definition.hidden ? { hidden: true } : {})
    fill(command, definition)
  }
  const fill = (command: Command, definition: CommandDefinition): void => {
    describeCommand(command, definition, context)
    if ('commands' in definition) {
      for (const child of chosen(definition, named)) build(command, child)
      return
    }
    prepareLeaf(command, definition, async (args, leaf) => {
      const path = commandPath(leaf)
      const written = writtenOptions(leaf)
      refuseFlags(leaf, definition)
      const run = await definition.load()
      const options = readOptions(written, definition.options)
      const invocation = { command: path, args, options, globals: readOptions(globalsOf(leaf)) }
      const code = await run(invocation, context).catch((error: unknown) => {
        throw isBadArgument(error) ? usageError(errorMessage(error), { path, definition }) : error
      })
      exitCode = typeof code === 'number' ? code : EXIT_CODES.done
    })
  }
  fill(parser, root)
  parser.version(`${root.name} version ${program.version}`, '-v, --version', 'print the version')
  await parser.parseAsync([...plainSwitches(argv, root)], { from: 'user' })
  return exitCode
}

/** Throws UNSUPPORTED_FLAG for a flag that was written and is only known. */
function refuseFlags(leaf: Command, { options = [] }: CommandLeaf): void {
  for (const { flags, refused } of options) {
    if (refused === undefined) continue
    const option = leaf.options.find(known => known.flags === flags)
    const isWritten = option !== undefined && leaf.getOptionValueSource(option.attributeName()) === 'cli'
    if (isWritten) throw unsupported('UNSUPPORTED_FLAG', `"${option.long ?? flags}" ${refused}`)
  }
}

/** What of a group has to be made ready to be parsed: the command that is named, or all where none is. */
function chosen({ commands }: CommandGroup, named: readonly CommandDefinition[]): readonly CommandDefinition[] {
  const found = commands.filter(command => named.includes(command))
  return found.length === 0 ? commands : found
}

function describeCommand(command: Command, definition: CommandDefinition, context: CommandContext): void {
  command
    .description(definition.summary)
    .aliases([...(definition.aliases ?? [])])
    .helpOption(takesShortHelp(definition) ? '--help' : '-h, --help', 'show this help')
    .exitOverride(error => {
      throw parserError(error, { path: commandPath(command), definition }) ?? error
    })
    .enablePositionalOptions()
    .configureOutput({
      writeOut: text => void context.stdout.write(text),
      writeErr: text => void context.stderr.write(text),
      // What the parser refuses is told when it has been put in docker's words.
      outputError: () => {},
      getOutHelpWidth: () => context.stdout.columns ?? 100,
      getErrHelpWidth: () => context.stderr.columns ?? 100,
    })
  for (const option of definition.options ?? []) addOption(command, option)
  if (definition.group !== undefined) command.helpGroup(definition.group)
  if (definition.footer !== undefined) command.addHelpText('after', `\n${definition.footer}`)
}

/** Docker's `-h` of some commands is something else. */
function takesShortHelp({ options = [] }: CommandDefinition): boolean {
  return options.some(({ flags }) => flags.startsWith('-h,'))
}

function addOption(command: Command, { flags, summary, repeatable, hidden }: OptionDefinition): void {
  const option = command.createOption(flags, summary)
  // `--no-attach web` is a flag of its own: only switches turn another one off.
  if (option.required) option.negate = false
  if (hidden === true) option.hideHelp()
  if (repeatable === true) {
    option.argParser((value: string, before: unknown) => [...(Array.isArray(before) ? before : []), value])
  }
  command.addOption(option)
}

function prepareLeaf(
  command: Command,
  definition: CommandLeaf,
  action: (args: string[], leaf: Command) => Promise<void>,
): void {
  if (definition.args !== undefined) command.arguments(definition.args)
  if (definition.usage !== undefined) command.usage(usageOf(definition))
  if (definition.passThrough === true) command.passThroughOptions()
  if (definition.anyFlags === true) command.allowUnknownOption()
  command.action(async () => action(command.args, command))
}

function commandPath(command: Command): string {
  const names: string[] = []
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name())
  return names.join(' ')
}

function globalsOf(command: Command): Record<string, unknown> {
  const values: Record<string, unknown>[] = []
  for (let at = command.parent; at !== null; at = at.parent) values.unshift(writtenOptions(at))
  return Object.assign({}, ...values) as Record<string, unknown>
}

/** Without defaults: a switch that can only be turned off must read as "nothing written", not as true. */
function writtenOptions(command: Command): Record<string, unknown> {
  const entries = Object.entries(command.opts())
  return Object.fromEntries(entries.filter(([name]) => command.getOptionValueSource(name) !== 'default'))
}

function isParserError(error: unknown): error is Error & { exitCode: number } {
  return errorCode(error)?.startsWith('commander.') === true
}

/** What a command fails with because it was told to end: the signal's reason, or a connection that was cut for it. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason) return true
  if (!(error instanceof Error)) return false
  const isCut = errorCode(error) === 'ECONNRESET' && error.message === 'aborted'
  return error.name === 'AbortError' || isCut || (error.cause !== undefined && isAbort(error.cause, signal))
}

function interruptedBy({ reason }: AbortSignal): number {
  return reason instanceof Error && reason.cause === 'SIGTERM' ? TERMINATED : INTERRUPTED
}
