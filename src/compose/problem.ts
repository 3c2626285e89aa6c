import { ShoalError } from '../core/errors.ts'
import { type Path, showPath } from './tree.ts'

/** Something wrong in what was written. */
export interface Problem {
  readonly message: string
  /** Where in the model. */
  readonly path?: Path
  readonly at?: Position
}

export interface Position {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  /** The line itself, to be shown. */
  readonly source?: string
}

/** Hears of a problem, and lets the work go on to find the next. */
export type Report = (problem: Problem) => void

/** The compose files cannot be used. The message has one line a problem, each with `file:line:column` where known. */
export class ComposeError extends ShoalError {
  override readonly name = 'ComposeError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], cause?: unknown) {
    const ordered = inOrder(problems)
    super('BAD_COMPOSE_FILE', 400, unique(ordered.map(showProblem)).join('\n'), cause === undefined ? {} : { cause })
    this.problems = ordered
  }
}

/** Thrown by rules deep in a tree, which know the path but not the file; the loader adds the position. */
export class PathError extends Error {
  override readonly name = 'PathError'
  readonly path: Path

  constructor(path: Path, message: string) {
    super(message)
    this.path = [...path]
  }
}

/** One problem without a position: a missing file, a bad flag. */
export function problem(message: string): ComposeError {
  return new ComposeError([{ message }])
}

/** A message that begins with its path: `services.web.image must be a string`. */
export function at(path: Path, message: string): PathError {
  return new PathError(path, path.length === 0 ? message : `${showPath(path)}${message}`)
}

/** Runs a step; what is wrong is reported, and `fallback` stands for the result. */
export function collect<T>(report: Report, fallback: T, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof PathError) report({ message: error.message, path: error.path })
    else if (error instanceof ComposeError) error.problems.forEach(report)
    else throw error
    return fallback
  }
}

/** As they stand in the files; files, and what has no place, as they come. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map(problem => problem.at?.file))]
  return problems.toSorted(
    ({ at: a }, { at: b }) =>
      files.indexOf(a?.file) - files.indexOf(b?.file) ||
      (a?.line ?? 0) - (b?.line ?? 0) ||
      (a?.column ?? 0) - (b?.column ?? 0),
  )
}

function showProblem({ message, at }: Problem): string {
  if (at === undefined) return printable(message)
  return `${printable(`${at.file}:${at.line}:${at.column}: ${message}`)}${excerpt(at)}`
}

const EXCERPT_MAX = 120

/** The line that is meant, with a mark under the column. Of long lines, only what is around it. */
function excerpt({ line, column, source }: Position): string {
  if (source === undefined || source.trim() === '') return ''
  const from = column > EXCERPT_MAX - 20 ? column - 20 : 0
  const shown = printable(source.slice(from, from + EXCERPT_MAX).replaceAll('\t', ' '))
  const mark = ' '.repeat(printable(source.slice(from, column - 1)).length)
  return `\n  ${line} | ${shown}\n  ${' '.repeat(String(line).length)} | ${mark}^`
}

/** Control characters of the author's must not reach a terminal; line ends are ours. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function unique(lines: readonly string[]): string[] {
  return [...new Set(lines)]
}
