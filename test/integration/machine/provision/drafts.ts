import { readdirSync } from 'node:fs'
import type { SshHosts } from '../../../support/ssh-hosts.ts'

const PLACES =
  '/opt/shoal /etc/shoal /etc/init.d /etc/sysctl.d /run/shoal /run/shoal-machine /var/lib/shoal /var/lib/shoal-machine'
const NAMES = ['*.shoal-new', '*.new', '.new-*', '.incoming', '*.part', '*.tmp', 'next']

/** Paths on a host of what was not written to its end. What etcd has in its own folder is its own. */
export function draftsOn(hosts: SshHosts, name: string): Promise<string> {
  const wanted = NAMES.map(pattern => `-name '${pattern}'`).join(' -o ')
  return hosts.run(name, `find ${PLACES} -path /var/lib/shoal/etcd -prune -o \\( ${wanted} \\) -print`)
}

/** The same in a store of machines. */
export function draftsIn(store: string): string[] {
  return readdirSync(store, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.tmp'))
}
