import { readFile } from 'node:fs/promises'
import { expandHome } from './expand-home.ts'
import { KnownHosts } from './known-hosts.ts'

/** What ssh's files say of hosts. One that is not there, or that we may not read, says nothing. */
export async function readKnownHosts(paths: readonly string[]): Promise<KnownHosts> {
  return new KnownHosts(await Promise.all(paths.map(path => readFile(expandHome(path), 'utf8').catch(() => ''))))
}
