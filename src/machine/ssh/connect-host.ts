import { findCredentials } from './credentials.ts'
import type { HostKey } from './host-key.ts'
import { policyName } from './host-key-policy.ts'
import { throughJumps } from './jump-hosts.ts'
import { readKnownHosts } from './known-hosts-files.ts'
import { resolveSshOptions, type SshRequest } from './openssh-config.ts'

import { SystemTransport } from './system-transport.ts'
import type { ConnectPorts, StreamTransport } from './transport.ts'

export interface HostRequest extends SshRequest {
  /** The private key that alone is to be offered. */
  readonly keyPath?: string
  /** Hosts in between that the person named; they take the place of the configuration's. */
  readonly jumps?: readonly string[]
  readonly pinned: readonly HostKey[]
  /** A fingerprint that the person named. */
  readonly expectedKey?: string
  readonly acceptNew: boolean
  /** What a person does to have a host trusted of which nothing is known; absent: names its key with a flag. */
  readonly toTrust?: string
  /** Hears the key that the store is to pin. */
  readonly onPin?: (key: HostKey) => void
}

/**
 * Connects to a host the way the person's ssh would: with the names, users, keys and hosts in between of its configuration. Our
 * own client is the fast one; where only OpenSSH's can do it, that one is used.
 */
export async function connectHost(
  request: HostRequest,
  ports: ConnectPorts,
  signal: AbortSignal,
): Promise<StreamTransport> {
  const options = await resolveSshOptions(request, ports)
  const jumps = request.jumps ?? options.proxyJump
  const keys = await findCredentials({
    options,
    env: ports.env,
    ...(request.keyPath === undefined ? {} : { keyPath: request.keyPath }),
  })
  const knownHosts = await readKnownHosts(options.knownHostsFiles)
  const name = policyName(options.hostName, options.port, options.hostKeyAlias)
  const only =
    options.needsOpenSsh ?? keys.needsOpenSsh ?? (knownHosts.hasAuthority(name) ? 'a host certificate' : undefined)
  if (only !== undefined) return connectBySystem(request, ports, signal)
  const way =
    jumps.length === 0 ? undefined : await throughJumps(jumps, { to: options, keyPath: request.keyPath, ports, signal })
  const { expectedKey, pinned, acceptNew, onPin, toTrust } = request
  // Only now: what speaks SSH is large, and most commands do not.
  const { PooledTransport } = await import('./pooled-transport.ts')
  return PooledTransport.connect(
    {
      host: options.hostName,
      port: options.port,
      user: options.user,
      credentials: keys.credentials,
      hostKey: {
        name,
        knownHosts,
        pinned,
        acceptNew,
        ...(expectedKey === undefined ? {} : { expected: expectedKey }),
        ...(toTrust === undefined ? {} : { toTrust }),
      },
      ...(onPin === undefined ? {} : { onPin }),
      ...(way === undefined ? {} : { via: way }),
    },
    ports,
    signal,
  )
}

function connectBySystem(request: HostRequest, ports: ConnectPorts, signal: AbortSignal): Promise<StreamTransport> {
  const { host, port, user, keyPath, pinned, acceptNew, toTrust, jumps = [] } = request
  return SystemTransport.connect(
    {
      host,
      keyPaths: keyPath === undefined ? [] : [keyPath],
      jumps,
      pinned,
      acceptNew,
      ...(port === undefined ? {} : { port }),
      ...(user === undefined ? {} : { user }),
      ...(toTrust === undefined ? {} : { toTrust }),
    },
    ports,
    signal,
  )
}
