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
}

/** The compose files cannot be used. The message has one line a problem, each with `file:line:column` where known. */
export class ComposeError extends ShoalError {
  override readonly name = 'ComposeError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], cause?: unknown) {
    super('BAD_COMPOSE_FILE', 400, unique(problems.map(showProblem)).join('\n'), cause === undefined ? {} : { cause })
    this.problems = problems
  }
}

/** Thrown by rules deep in a tree, which know the path but not the file; the loader adds the position. */
export class PathError extends Error {
  override readonly name = 'PathError'
  readonly path: Path

  constructor(path: Path, message: string) {
    super(message)
    this.path = path
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

function showProblem({ message, at }: Problem): string {
  return at === undefined ? message : `${at.file}:${at.line}:${at.column}: ${message}`
}

function unique(lines: readonly string[]): string[] {
  return [...new Set(lines)]
}
