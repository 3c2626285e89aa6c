/** What compose would fetch: a repository (`https://…`, `git@…`, `github.com/…`) or an artifact (`oci://…`). */
const REMOTE = /^(?:[a-z][a-z0-9+.-]*:\/\/|git@|github\.com\/)/i

/**
 * Why a compose file that is somewhere else is not loaded; undefined for a path. What is fetched could mount any directory of the
 * hosts, and change from one run to the next: it is the author's to fetch, read and keep.
 */
export function remoteRefusal(reference: string): string | undefined {
  if (!REMOTE.test(reference)) return undefined
  const fetch = /^oci:/i.test(reference) ? 'pull it' : 'git clone it'
  return `remote compose file "${reference}" is refused: ${fetch}, look at it, and name the local path instead`
}
