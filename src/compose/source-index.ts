import { ComposeError, PathError, type Position, type Problem } from './problem.ts'
import type { Path } from './tree.ts'

/** Where the keys of one YAML document stand. */
export interface DocumentPositions {
  readonly file: string
  readonly positions: ReadonlyMap<string, { readonly line: number; readonly column: number }>
  /** The file, line by line. */
  readonly lines: readonly string[]
}

export function positionKey(path: Path): string {
  return path.join('\0')
}

/** Finds the line of a path of the merged model: of the documents that know most of the path, the last one. */
export class SourceIndex {
  readonly #documents: DocumentPositions[] = []
  readonly #localBinds = new Set<string>()

  add(document: DocumentPositions): void {
    this.#documents.push(document)
  }

  /** Notes that the source of a bind mount was written relative: it means a file beside the compose files. */
  readonly noteLocalBind = (path: string): void => void this.#localBinds.add(path)

  /** Whether an absolute path of the model was written relative. */
  isLocalBind(path: string): boolean {
    return this.#localBinds.has(path)
  }

  locate(path: Path): Position | undefined {
    for (let length = path.length; length > 0; length--) {
      const key = positionKey(path.slice(0, length))
      const document = this.#documents.findLast(({ positions }) => positions.has(key))
      const position = document?.positions.get(key)
      if (document !== undefined && position !== undefined) {
        const source = document.lines[position.line - 1]
        return { file: document.file, ...position, ...(source === undefined ? {} : { source }) }
      }
    }
    return undefined
  }

  /** Adds the position, if the problem has a path and none yet. */
  place(problem: Problem): Problem {
    const position = problem.at ?? (problem.path === undefined ? undefined : this.locate(problem.path))
    return position === undefined ? problem : { ...problem, at: position }
  }

  /** Adds positions to problems, and throws them all in the order they stand in the files; none is fine. */
  refuse(problems: readonly Problem[]): void {
    if (problems.length === 0) return
    throw new ComposeError(problems.map(problem => this.place(problem)))
  }

  /** Runs a phase; an error about a path gets its position. */
  guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (error instanceof PathError) this.refuse([{ message: error.message, path: error.path }])
      throw error
    }
  }
}
