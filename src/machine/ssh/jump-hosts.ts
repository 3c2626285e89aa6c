import type { Duplex } from 'node:stream'
import { invalidInput } from '../../core/errors.ts'
import { findCredentials } from './credentials.ts'
import { policyName } from './host-key-policy.ts'
import { readKnownHosts } from './known-hosts-files.ts'
import { resolveSshOptions, type SshRequest } from './openssh-config.ts'
import type { PooledTransport } from './pooled-transport.ts'
import type { SshOptions } from './ssh-options.ts'
import type { ConnectPorts } from './transport.ts'

/** Hosts in between that may stand one behind another. */
const JUMPS_MAX = 8

interface Journey {
  /** Where the last of them is to lead. */
  readonly to: SshOptions
  readonly keyPath: string | undefined
  readonly ports: ConnectPorts
  readonly signal: AbortSignal
}

/** A connection to the host's sshd that goes through others. Each of them is let go when what it leads to is closed. */
export async function throughJumps(jumps: readonly string[], { to, ports, ...journey }: Journey): Promise<Duplex> {
  if (jumps.length > JUMPS_MAX) {
    throw invalidInput(
      'BAD_JUMP',
      `There are ${jumps.length} jump hosts before ${to.hostName}: at most ${JUMPS_MAX} can be`,
    )
  }
  const hops = await Promise.all(jumps.map(jump => resolveSshOptions(parseJump(jump), ports)))
  let way: Duplex | undefined
  for (const [index, hop] of hops.entries()) {
    const next = hops[index + 1] ?? to
    const transport = await connectHop(hop, { ...journey, ports, way })
    try {
      way = await transport.dialHost(next.hostName, next.port, journey.signal)
      way.once('close', () => void transport.close())
    } catch (error) {
      await transport.close()
      throw error
    }
  }
  if (way === undefined) throw invalidInput('BAD_JUMP', 'A jump host has no name')
  return way
}

/** A jump host is held to known_hosts: what is pinned, and what the person named, is of the machine behind it. */
async function connectHop(
  hop: SshOptions,
  { keyPath, ports, signal, way }: Omit<Journey, 'to'> & { readonly way: Duplex | undefined },
): Promise<PooledTransport> {
  const { credentials } = await findCredentials({
    options: hop,
    env: ports.env,
    ...(keyPath === undefined ? {} : { keyPath }),
  })
  // Only now: what speaks SSH is large, and most commands do not.
  const { PooledTransport } = await import('./pooled-transport.ts')
  return PooledTransport.connect(
    {
      host: hop.hostName,
      port: hop.port,
      user: hop.user,
      credentials,
      hostKey: {
        name: policyName(hop.hostName, hop.port, hop.hostKeyAlias),
        knownHosts: await readKnownHosts(hop.knownHostsFiles),
        pinned: [],
        acceptNew: false,
      },
      ...(way === undefined ? {} : { via: way }),
    },
    ports,
    signal,
  )
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
