import { ShoalError } from '../../core/errors.ts'

/** What compose would fetch: a repository (`https://…`, `git@…`, `github.com/…`) or an artifact (`oci://…`). */
const REMOTE = /^(?:[a-z][a-z0-9+.-]*:\/\/|git@|github\.com\/)/i
/** A single file on a web server; what ends with `.git`, or names a branch behind a `#`, is a repository. */
const WEB_FILE = /^https?:\/\/[^#]+?(?<!\.git\/?)(?:#sha256:[0-9a-f]{64})?$/i

/** Gets a file of a web server, and gives the absolute path of the copy. */
export type FetchRemote = (url: string) => string

/**
 * The path of a compose file that is somewhere else: a copy, if it may be fetched. Undefined for what is a path already. What is
 * fetched could mount any directory of the hosts, and change from one run to the next: so `refuse` hears of it unless the person has
 * said that it is wanted, and of what is no single file in any case.
 */
export function copyOfRemote(
  reference: string,
  fetch: FetchRemote | undefined,
  refuse: (why: string) => Error,
): string | undefined {
  if (!REMOTE.test(reference)) return undefined
  const isWebFile = WEB_FILE.test(reference)
  const own = /^oci:/i.test(reference) ? 'pull it' : isWebFile ? 'download it' : 'git clone it'
  const advice = `${own}, look at it, and name the local path instead`
  if (!isWebFile) throw refuse(`remote compose file "${reference}" is refused: ${advice}`)
  if (fetch === undefined) {
    throw refuse(`remote compose file "${reference}" is refused: ${advice}, or allow it with --allow-remote`)
  }
  try {
    return fetch(reference)
  } catch (error) {
    throw error instanceof ShoalError ? refuse(error.message) : error
  }
}
