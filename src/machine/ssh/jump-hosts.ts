import type { Duplex } from 'node:stream'
import { invalidInput } from '../../core/errors.ts'
import { type FoundKeys, findCredentials } from './credentials.ts'
import { policyName } from './host-key-policy.ts'
import type { KnownHosts } from './known-hosts.ts'
import { readKnownHosts } from './known-hosts-files.ts'
import { resolveSshOptions, type SshRequest } from './openssh-config.ts'
import { connectPooled } from './pooled/connect-pooled.ts'
import type { PooledTransport } from './pooled/pooled-transport.ts'
import type { SshOptions } from './ssh-options.ts'
import type { ConnectPorts } from './transport.ts'

/** Hosts in between that may stand one behind another. */
const JUMPS_MAX = 8

/** A host in between, with what we have for it: what was named for the machine behind it is not for this one. */
export interface Hop {
  readonly options: SshOptions
  readonly keys: FoundKeys
  readonly knownHosts: KnownHosts
  readonly name: string
}

interface Journey {
  /** Where the last of them is to lead. */
  readonly to: SshOptions
  readonly ports: ConnectPorts
  readonly signal: AbortSignal
}

/** What ssh's configuration says of hosts in between. Throws BAD_JUMP. */
export async function readHops(
  jumps: readonly string[],
  { to, ports }: Pick<Journey, 'to' | 'ports'>,
): Promise<readonly Hop[]> {
  if (jumps.length > JUMPS_MAX) {
    throw invalidInput(
      'BAD_JUMP',
      `There are ${jumps.length} jump hosts before ${to.hostName}: at most ${JUMPS_MAX} can be`,
    )
  }
  return Promise.all(
    jumps.map(async jump => {
      const options = await resolveSshOptions(parseJump(jump), ports)
      return {
        options,
        keys: await findCredentials({ options, env: ports.env }),
        knownHosts: await readKnownHosts(options.knownHostsFiles),
        name: policyName(options.hostName, options.port, options.hostKeyAlias),
      }
    }),
  )
}

/** Why only OpenSSH's own client can go through these; undefined: ours can. */
export function hopsNeedOpenSsh(hops: readonly Hop[]): string | undefined {
  for (const { options, keys, knownHosts, name } of hops) {
    const only = options.needsOpenSsh ?? keys.needsOpenSsh
    if (only !== undefined) return only
    if (knownHosts.hasAuthority(name)) return 'a host certificate'
  }
  // To the first of them ssh goes through those of its own configuration.
  const isBehindOthers = (hops[0]?.options.proxyJump.length ?? 0) > 0
  return isBehindOthers ? 'a jump host behind others' : undefined
}

/** A connection to the host's sshd that goes through others. Each of them is let go when what it leads to is closed. */
export async function throughHops(hops: readonly Hop[], { to, ports, signal }: Journey): Promise<Duplex | undefined> {
  let via: Duplex | undefined
  for (const [index, hop] of hops.entries()) {
    const next = hops[index + 1]?.options ?? to
    const transport = await connectHop(hop, { ports, signal, via })
    try {
      via = await transport.dialHost(next.hostName, next.port, signal)
      via.once('close', () => void transport.close())
    } catch (error) {
      await transport.close()
      throw error
    }
  }
  return via
}

/** A jump host is held to known_hosts: what is pinned, and what the person named, is of the machine behind it. */
function connectHop(
  { options, keys, knownHosts, name }: Hop,
  { ports, signal, via }: Omit<Journey, 'to'> & { readonly via: Duplex | undefined },
): Promise<PooledTransport> {
  const hostKey = { name, knownHosts, pinned: [], acceptNew: false }
  return connectPooled({ options, keys, hostKey, via }, ports, signal)
}

/** `[user@]host[:port]`, as ssh's ProxyJump has it. */
export function parseJump(jump: string): SshRequest {
  const [, user, bracketed, plain, port] =
    /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([^\]]+)\]|([^:\s[\]]+))(?::(\d+))?\/?$/.exec(jump) ?? []
  const host = bracketed ?? plain
  if (host === undefined || host.startsWith('-') || user?.startsWith('-') === true) {
    throw invalidInput('BAD_JUMP', `Cannot read the jump host "${jump}": expected [user@]host[:port]`)
  }
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port: Number(port) }) }
}
