import type { Variables } from './files/environment.ts'
import type { FileReader } from './files/file-reader.ts'
import type { FetchRemote } from './files/remote.ts'
import type { Report } from './problem.ts'
import type { SourceIndex } from './source-index.ts'

/** What loading one project, or one included project, works with. */
export interface LoadContext {
  readonly reader: FileReader
  readonly sources: SourceIndex
  readonly variables: Variables
  readonly projectDir: string
  readonly warn: (message: string) => void
  /** Hears of everything that is wrong; loading goes on, to find the rest. */
  readonly report: Report
  readonly interpolate: boolean
  /** Absent: nothing that is somewhere else is loaded. */
  readonly fetchRemote?: FetchRemote | undefined
  /** Files being included, outermost first. */
  readonly including: readonly string[]
}

export function lookupIn(variables: Variables): (name: string) => string | undefined {
  return name => variables.get(name)
}
