import { findCredentials } from './credentials.ts'
import type { HostKey } from './host-key.ts'
import { type HostKeyPolicy, judgeHostKey, policyName, wantedSignatures } from './host-key-policy.ts'
import { hopsNeedOpenSsh, readHops, throughHops } from './jump-hosts.ts'
import { readKnownHosts } from './known-hosts-files.ts'
import { resolveSshOptions, type SshRequest } from './openssh-config.ts'
import { connectPooled } from './pooled/connect-pooled.ts'
import type { SshOptions } from './ssh-options.ts'
import { hostKeyShownTo } from './system/host-key-shown.ts'
import type { SystemDestination } from './system/ssh-program.ts'
import { SystemTransport } from './system/system-transport.ts'
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
 * own client is the fast one; where only OpenSSH's can do it, that one is used, and held to the same host keys.
 */
export async function connectHost(
  request: HostRequest,
  ports: ConnectPorts,
  signal: AbortSignal,
): Promise<StreamTransport> {
  const options = await resolveSshOptions(request, ports)
  const hops = await readHops(request.jumps ?? options.proxyJump, { to: options, ports })
  const keys = await findCredentials({
    options,
    env: ports.env,
    ...(request.keyPath === undefined ? {} : { keyPath: request.keyPath }),
  })
  const hostKey = await policyFor(request, options)
  const only =
    options.needsOpenSsh ??
    keys.needsOpenSsh ??
    (hostKey.knownHosts.hasAuthority(hostKey.name) ? 'a host certificate' : undefined) ??
    hopsNeedOpenSsh(hops)
  if (only !== undefined) return connectBySystem(request, hostKey, { ports, signal })
  const via = await throughHops(hops, { to: options, ports, signal })
  return connectPooled({ options, keys, hostKey, onPin: request.onPin, via }, ports, signal)
}

async function policyFor(
  { pinned, acceptNew, expectedKey, toTrust }: HostRequest,
  { hostName, port, hostKeyAlias, knownHostsFiles }: SshOptions,
): Promise<HostKeyPolicy> {
  return {
    name: policyName(hostName, port, hostKeyAlias),
    knownHosts: await readKnownHosts(knownHostsFiles),
    pinned,
    acceptNew,
    ...(expectedKey === undefined ? {} : { expected: expectedKey }),
    ...(toTrust === undefined ? {} : { toTrust }),
  }
}

/**
 * OpenSSH's client knows nothing of fingerprints that were named, nor of what is to be pinned: where either counts, it is first asked
 * which key the host shows, then held to it. A host that shows a certificate is left to ssh's own files.
 */
async function connectBySystem(
  request: HostRequest,
  hostKey: HostKeyPolicy,
  { ports, signal }: { readonly ports: ConnectPorts; readonly signal: AbortSignal },
): Promise<StreamTransport> {
  const { host, port, user, keyPath, pinned, acceptNew, toTrust, onPin, jumps = [] } = request
  const to: SystemDestination = {
    host,
    keyPaths: keyPath === undefined ? [] : [keyPath],
    jumps,
    pinned,
    acceptNew,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    ...(toTrust === undefined ? {} : { toTrust }),
  }
  const isNew = pinned.length === 0 && onPin !== undefined && !hostKey.knownHosts.hasAuthority(hostKey.name)
  if (hostKey.expected === undefined && !isNew) return SystemTransport.connect(to, ports, signal)
  const shown = await hostKeyShownTo(to, ports, { signal, signatures: wantedSignatures(hostKey) })
  const verdict = judgeHostKey(hostKey, shown)
  if (!verdict.trust) throw verdict.error
  // It proves the key anew: what showed it before may have been another.
  const transport = await SystemTransport.connect({ ...to, pinned: [shown] }, ports, signal)
  if (verdict.pin) onPin?.(shown)
  return transport
}
