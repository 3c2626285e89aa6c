import { posix } from 'node:path'
import { problem } from '../problem.ts'

const VALID = /^[a-z0-9][a-z0-9_-]*$/

/** Lower case, without what a name may not hold: how a directory's or a file's name becomes a project's. */
function normaliseProjectName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
}

/** A name that was given as it is. Throws ComposeError if it cannot be a project's. */
export function checkedProjectName(given: string): string {
  if (VALID.test(given)) return given
  throw problem(
    `invalid project name "${given}": must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number`,
  )
}

export interface NameSources {
  /** `-p`. */
  readonly flag?: string | undefined
  /** COMPOSE_PROJECT_NAME. */
  readonly environment?: string | undefined
  /** `name:` of the last file that has one. */
  readonly file?: string | undefined
  readonly projectDir: string
}

/** The project's name: flag, then environment, then file, then directory. Throws ComposeError if it cannot be one. */
export function projectName({ flag, environment, file, projectDir }: NameSources): string {
  const given = flag || environment
  if (given) return checkedProjectName(given)
  const name = normaliseProjectName(file || posix.basename(projectDir))
  if (name === '') throw problem('project name must not be empty: give one with -p or with name: in the compose file')
  return name
}
