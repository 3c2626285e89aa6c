import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { Tunnels } from './engine/ssh/tunnels-port.ts'

/** Where text goes; a terminal says so, and then may be coloured. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }

/** Where a command reads from; a terminal can be switched to raw keys. */
export type InputStream = Readable & { readonly isTTY?: boolean; readonly setRawMode?: (raw: boolean) => unknown }

export type Environment = Readonly<Record<string, string | undefined>>

/** Everything a command may touch of the world. Made by main/, or by a test. */
export interface CommandContext {
  readonly stdin: InputStream
  /**
   * Has the terminal show what is written as it is, until raw mode ends. Raw mode as Node sets it still makes carriage returns of
   * line feeds, which full-screen programs in a container have done already where they want them. Absent: there is no terminal.
   */
  readonly rawOutput?: () => void
  /** Results only. */
  readonly stdout: OutputStream
  /** Progress, warnings and errors. */
  readonly stderr: OutputStream
  readonly env: Environment
  readonly cwd: string
  readonly clock: Clock
  readonly random: Random
  /** Aborted when the person wants to stop (Ctrl-C) or the program is told to. */
  readonly signal: AbortSignal
  /**
   * Gives the process's signals to a handler instead of ending it, until the function that is returned is called. Absent where
   * there are none.
   */
  readonly takeSignals?: (handler: (signal: string) => void) => () => void
  /**
   * Has something done if the process ends before what is returned is called, as when nobody reads its output any more. It cannot
   * wait. Absent: the process ends with its command alone.
   */
  readonly atExit?: (undo: () => void) => () => void
  /** How `ssh://` addresses are reached. Absent: they are refused. */
  readonly tunnels?: Tunnels
}

/** The values of a command's options, by the long flag's name in camel case (`--dry-run` is `dryRun`). */
export interface Options {
  readonly flag: (name: string) => boolean
  /** True, false (given as `--no-x`), or undefined if nothing was written. */
  readonly choice: (name: string) => boolean | undefined
  readonly text: (name: string) => string | undefined
  /** Of a repeatable option: every value, in order. */
  readonly list: (name: string) => readonly string[]
  /** A number that is not negative; throws BAD_FLAG otherwise. */
  readonly number: (name: string) => number | undefined
}

export interface Invocation {
  /** The command as it was typed: `compose up`. */
  readonly command: string
  readonly args: readonly string[]
  readonly options: Options
  /** Options of the groups the command stands in, such as compose's `--file`. */
  readonly globals: Options
}

/** Does the command's work. Resolves with the exit code; nothing means 0. */
export type RunCommand = (invocation: Invocation, context: CommandContext) => Promise<number | void>

export interface OptionDefinition {
  /** `-t, --timeout <seconds>`; without `<…>` it is a switch, `--no-x` makes a switch that is off. */
  readonly flags: string
  readonly summary: string
  /** May be given several times; read with `list`. */
  readonly repeatable?: boolean
  readonly hidden?: boolean
  /** Why a flag that is known is not done: `is not supported: …`. */
  readonly refused?: string
}

export interface CommandLeaf {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly summary: string
  /** Positional arguments in commander's notation: `<service> [command...]`. */
  readonly args?: string
  readonly options?: readonly OptionDefinition[]
  /** What follows its name where its use is told, as docker writes it; absent: made from `args`. */
  readonly usage?: string
  /** Flags behind the first positional argument belong to it (`exec web ls -l`). */
  readonly passThrough?: boolean
  /** Flags that are not known are arguments too. */
  readonly anyFlags?: boolean
  /** Text shown below the help: examples. */
  readonly footer?: string
  readonly hidden?: boolean
  /** Heading in the help under which it stands. */
  readonly group?: string
  /** Exit code for a command line that cannot be read; absent: 2. */
  readonly usageCode?: number
  /** Imports the module that does the work, so that a command only loads what it needs. */
  readonly load: () => Promise<RunCommand>
}

export interface CommandGroup {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly summary: string
  /** Options that stand before the subcommand. */
  readonly options?: readonly OptionDefinition[]
  readonly commands: readonly CommandDefinition[]
  readonly footer?: string
  readonly group?: string
}

/** A command is data: the program, its help and its completion are made from it. */
export type CommandDefinition = CommandLeaf | CommandGroup
