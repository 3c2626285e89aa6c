import { lineError } from './errors.ts'
import { cutFlags, type FlagRules, type Flags, readFlags } from './flags.ts'
import { HEALTH_FLAGS, type Healthcheck, readHealthcheck } from './healthcheck.ts'
import type { Heredoc } from './heredocs.ts'
import type { LogicalLine } from './lines.ts'
import { type Argument, type Pair, readArguments, readPairs } from './pairs.ts'
import { jsonForm, splitPlain } from './words.ts'

interface Common {
  readonly flags: Flags
  readonly line: number
  /** As written, on one line: what is shown. */
  readonly text: string
  readonly heredocs: readonly Heredoc[]
}

interface Pairs {
  readonly pairs: readonly Pair[]
  /** Nothing is substituted in it. */
  readonly isLiteral?: boolean
}

interface Copy {
  readonly sources: readonly string[]
  readonly target: string
}

interface Command {
  readonly json: readonly string[] | undefined
  readonly rest: string
}

interface Text {
  readonly rest: string
}

interface Words {
  readonly words: readonly string[]
}

/** What each instruction says. */
interface Bodies {
  readonly FROM: { readonly base: string; readonly name: string | undefined }
  readonly ARG: { readonly args: readonly Argument[] }
  readonly ENV: Pairs
  readonly LABEL: Pairs
  readonly COPY: Copy
  readonly ADD: Copy
  readonly RUN: Command
  readonly CMD: Command
  readonly ENTRYPOINT: Command
  readonly USER: Text
  readonly WORKDIR: Text
  readonly STOPSIGNAL: Text
  readonly MAINTAINER: Text
  readonly ONBUILD: Text
  readonly EXPOSE: Words
  readonly VOLUME: Words
  readonly SHELL: Words
  readonly HEALTHCHECK: { readonly check: Healthcheck }
}

export type Keyword = keyof Bodies
export type InstructionOf<K extends Keyword> = { [N in K]: Common & Bodies[N] & { readonly keyword: N } }[K]

/** One instruction; variables in it are substituted when it runs. */
export type Instruction = InstructionOf<Keyword>

const COPY_FLAGS = ['chown', 'chmod', 'exclude']

/** Flags we know; any other is refused rather than ignored. */
const FLAGS: Readonly<Partial<Record<string, FlagRules>>> = {
  FROM: { texts: ['platform'] },
  RUN: { texts: ['mount', 'network', 'security'], lists: ['mount'] },
  COPY: { texts: ['from', ...COPY_FLAGS], switches: ['link', 'parents'], lists: ['exclude'] },
  ADD: { texts: ['checksum', ...COPY_FLAGS], switches: ['link', 'keep-git-dir'], lists: ['exclude'] },
  HEALTHCHECK: { texts: HEALTH_FLAGS },
}

/** Reads one instruction. Throws DOCKERFILE with its line. */
export function parseInstruction({ line, text, heredocs }: LogicalLine, escape: string): Instruction {
  const [, word = '', after = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? []
  const name = word.toUpperCase()
  const { flags: flagWords, rest } = cutFlags(after, escape)
  const read = READERS[name]
  if (read === undefined) throw lineError(line, `unknown instruction: ${name}`)
  const flags = readFlags(flagWords, FLAGS[name] ?? {}, line)
  return read({ flags, line, text, heredocs }, rest, { name, escape })
}

type Reader = (common: Common, rest: string, how: { readonly name: string; readonly escape: string }) => Instruction

const READERS: Readonly<Record<string, Reader>> = {
  FROM: (common, rest) => readFrom(common, rest),
  ARG: (common, rest, { escape }) => ({ ...common, keyword: 'ARG', args: readArguments(rest, { ...common, escape }) }),
  ENV: (common, rest, { escape }) => ({
    ...common,
    keyword: 'ENV',
    pairs: readPairs('ENV', rest, { ...common, escape }),
  }),
  LABEL: (common, rest, { escape }) => ({
    ...common,
    keyword: 'LABEL',
    pairs: readPairs('LABEL', rest, { ...common, escape }),
  }),
  COPY: (common, rest) => ({ ...common, keyword: 'COPY', ...readCopy(common, rest, 'COPY') }),
  ADD: (common, rest) => ({ ...common, keyword: 'ADD', ...readCopy(common, rest, 'ADD') }),
  RUN: (common, rest) => ({ ...common, keyword: 'RUN', rest, json: jsonForm(rest) }),
  CMD: (common, rest) => ({ ...common, keyword: 'CMD', rest, json: jsonForm(rest) }),
  ENTRYPOINT: (common, rest) => ({ ...common, keyword: 'ENTRYPOINT', rest, json: jsonForm(rest) }),
  USER: (common, rest) => ({ ...common, keyword: 'USER', rest: needOne(common, rest, 'USER') }),
  WORKDIR: (common, rest) => ({ ...common, keyword: 'WORKDIR', rest: needOne(common, rest, 'WORKDIR') }),
  STOPSIGNAL: (common, rest) => ({ ...common, keyword: 'STOPSIGNAL', rest: needOne(common, rest, 'STOPSIGNAL') }),
  MAINTAINER: (common, rest) => ({ ...common, keyword: 'MAINTAINER', rest: needOne(common, rest, 'MAINTAINER') }),
  ONBUILD: (common, rest) => ({ ...common, keyword: 'ONBUILD', rest: readTrigger(common, rest) }),
  EXPOSE: (common, rest) => ({ ...common, keyword: 'EXPOSE', words: needSome(common, splitPlain(rest), 'EXPOSE') }),
  VOLUME: (common, rest) => ({ ...common, keyword: 'VOLUME', words: readVolumes(common, rest) }),
  SHELL: (common, rest) => ({ ...common, keyword: 'SHELL', words: readShell(common, rest) }),
  HEALTHCHECK: (common, rest) => ({
    ...common,
    keyword: 'HEALTHCHECK',
    check: readHealthcheck(rest, common.flags, common.line),
  }),
}

function readFrom(common: Common, rest: string): Instruction {
  const [base, as, name, ...more] = splitPlain(rest)
  const isPlain = base !== undefined && as === undefined
  const isNamed = name !== undefined && more.length === 0 && as?.toUpperCase() === 'AS'
  if (base === undefined || !(isPlain || isNamed)) {
    throw lineError(common.line, 'FROM requires either one or three arguments')
  }
  const stage = name?.toLowerCase()
  if (stage !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(stage)) {
    const why = "name can't start with a number or contain symbols"
    throw lineError(common.line, `invalid name for build stage: ${JSON.stringify(name)}, ${why}`)
  }
  return { ...common, keyword: 'FROM', base, name: stage }
}

function readCopy({ line }: Common, rest: string, keyword: string): Copy {
  const words = jsonForm(rest) ?? splitPlain(rest)
  const target = words.at(-1)
  if (words.length >= 2 && target !== undefined) return { sources: words.slice(0, -1), target }
  const why = 'requires at least two arguments, but only one was provided. Destination could not be determined'
  throw lineError(line, `${keyword} ${why}`)
}

function readTrigger({ line }: Common, rest: string): string {
  const [, word = ''] = /^(\S+)/.exec(rest) ?? []
  switch (word.toUpperCase()) {
    case '':
      throw lineError(line, 'ONBUILD requires at least one argument')
    case 'ONBUILD':
      throw lineError(line, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    case 'MAINTAINER':
    case 'FROM':
      throw lineError(line, `${word.toUpperCase()} isn't allowed as an ONBUILD trigger`)
    default:
      return rest
  }
}

function readVolumes(common: Common, rest: string): readonly string[] {
  const words = needSome(common, jsonForm(rest) ?? splitPlain(rest), 'VOLUME')
  if (words.every(word => word.trim() !== '')) return words
  throw lineError(common.line, 'VOLUME specified can not be an empty string')
}

function readShell(common: Common, rest: string): readonly string[] {
  const words = jsonForm(rest)
  if (words === undefined) throw lineError(common.line, 'SHELL requires the arguments to be in JSON form')
  return needSome(common, words, 'SHELL')
}

function needSome({ line }: Common, words: readonly string[], keyword: string): readonly string[] {
  if (words.length === 0) throw lineError(line, `${keyword} requires at least one argument`)
  return words
}

function needOne({ line }: Common, rest: string, keyword: string): string {
  if (rest === '') throw lineError(line, `${keyword} requires exactly one argument`)
  return rest
}
