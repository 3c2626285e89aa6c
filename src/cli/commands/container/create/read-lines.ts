import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { errorCode } from '../../../../core/errors.ts'
import type { Options } from '../../../command.ts'
import { whyNot } from '../../../output/file-error.ts'
import { readArgument } from '../../../usage.ts'
import { bad, label, pairs, variable } from './read-values.ts'

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** What a file that a flag names says, line by line, without empty ones and comments. Throws BAD_FLAG in docker's words. */
export function readLines(path: string, kind: string, { cwd }: Pick<Surroundings, 'cwd'>): readonly string[] {
  const lines = readText(path, cwd, (why, cause) =>
    errorCode(cause) === 'EISDIR' ? `invalid ${kind} file (${path}): read ${path}: is a directory` : why,
  ).split(/\r?\n/)
  return lines.map(line => line.trimStart()).filter(line => line !== '' && !line.startsWith('#'))
}

/** A file's text. Throws BAD_FLAG with what `explain` makes of docker's words for the failure. */
export function readText(
  path: string,
  cwd: string,
  explain: (why: string, cause: unknown) => string = why => why,
): string {
  try {
    return readFileSync(path === '' ? path : resolve(cwd, path), 'utf8')
  } catch (cause) {
    throw bad(explain(`open ${path}: ${whyNot(cause)}`, cause))
  }
}

/** What `--label` says of anything. */
export function labelsOf(options: Options, flag = '--label'): Record<string, string> {
  return pairs(options.list('label').map(text => readArgument(flag, text, label)))
}

/** `--env A` passes on ours, if there is one; files come before flags. */
export function readVariables(options: Options, { env, cwd }: Surroundings): string[] {
  const given = options.list('env').map(text => readArgument('-e, --env', text, variable))
  const lines = options
    .list('envFile')
    .flatMap(path => readLines(path, 'env', { cwd }).map(line => checkLine(line, path)))
  return [...lines, ...given].flatMap(line => {
    if (line.includes('=')) return [line]
    const value = env[line]
    return value === undefined ? [] : [`${line}=${value}`]
  })
}

function checkLine(line: string, path: string): string {
  const [name = ''] = line.split('=')
  if (name === '') throw bad(`invalid env file (${path}): no variable name on line '${line}'`)
  if (/\s/.test(name)) throw bad(`invalid env file (${path}): variable '${name}' contains whitespaces`)
  return line
}
