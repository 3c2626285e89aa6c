import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { badFlag, type CommandContext, type Options } from '../../cli/index.ts'
import { errorCode, errorMessage } from '../../core/errors.ts'

/**
 * The join token: `--token`, or the content of `--token-file` (`-`: of the standard input), so that it need not be seen in a list of
 * processes. A member has no use for it any more: that its file is gone is as if none were named.
 */
export async function readToken(
  options: Options,
  { stdin }: Pick<CommandContext, 'stdin'>,
  { isMember = false }: { readonly isMember?: boolean } = {},
): Promise<string | undefined> {
  const [token, file] = [options.text('token'), options.text('tokenFile')]
  if (token !== undefined && file !== undefined) throw badFlag('--token and --token-file exclude each other')
  if (file === undefined) return token
  try {
    return (file === '-' ? await text(stdin) : await readFile(file, 'utf8')).trim()
  } catch (cause) {
    if (isMember && errorCode(cause) === 'ENOENT') return undefined
    throw badFlag(`Cannot read --token-file ${file}: ${errorMessage(cause)}`)
  }
}

/** `--manager`, repeatable and with commas: where managers answer. */
export function readManagers(options: Options): readonly string[] {
  return options
    .list('manager')
    .flatMap(each => each.split(','))
    .map(each => each.trim())
    .filter(each => each !== '')
}

export function isTokenGiven(options: Options): boolean {
  return options.text('token') !== undefined || options.text('tokenFile') !== undefined
}
