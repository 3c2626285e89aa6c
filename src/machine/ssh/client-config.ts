/** A machine as the programs of OpenSSH are to see it. */
export interface ClientHost {
  /** What it is called on their command lines. */
  readonly name: string
  /** What `ssh -G` says of its address. */
  readonly dump: string
  /** The private key that alone is offered. */
  readonly keyPath?: string
  /** A known_hosts file with the keys that alone are its own, under `PINNED_NAME`; absent: what ssh's own files say. */
  readonly pinnedFile?: string
}

/** The name under which a machine's pinned keys stand: it stays the same when the machine is renamed or moves. */
export const PINNED_NAME = 'machine'

/** Settings that say how a host is reached; the others are left to the person's configuration. */
const REACHING = new Set([
  'hostname',
  'port',
  'user',
  'identityfile',
  'identityagent',
  'identitiesonly',
  'certificatefile',
  'pkcs11provider',
  'proxyjump',
  'proxycommand',
  'userknownhostsfile',
  'globalknownhostsfile',
  'hostkeyalias',
])
const KEYS = ['identityfile', 'identitiesonly', 'certificatefile']
const HOST_KEYS = ['userknownhostsfile', 'globalknownhostsfile', 'hostkeyalias']

/**
 * A configuration for ssh, scp, rsync and sshfs in which machines go by their names. The first value of a setting counts, so that
 * the person's own configuration stands behind it, for hosts in between.
 */
export function clientConfig(hosts: readonly ClientHost[], includes: readonly string[]): string {
  return [
    ...hosts.flatMap(host => [`Host ${host.name}`, ...linesOf(host).map(line => `  ${line}`)]),
    'Host *',
    ...includes.map(path => `  Include ${path}`),
    '',
  ].join('\n')
}

function linesOf({ dump, keyPath, pinnedFile }: ClientHost): string[] {
  const dropped = [...(keyPath === undefined ? [] : KEYS), ...(pinnedFile === undefined ? [] : HOST_KEYS)]
  const copied = dump.split('\n').filter(line => {
    const [name = '', value] = line.split(' ')
    return REACHING.has(name) && !dropped.includes(name) && !(name.startsWith('proxy') && value === 'none')
  })
  const key = keyPath === undefined ? [] : [`identityfile "${keyPath}"`, 'identitiesonly yes']
  const pinned =
    pinnedFile === undefined
      ? []
      : [
          `userknownhostsfile "${pinnedFile}"`,
          'globalknownhostsfile /dev/null',
          `hostkeyalias ${PINNED_NAME}`,
          'stricthostkeychecking yes',
        ]
  return [...key, ...pinned, ...copied]
}
