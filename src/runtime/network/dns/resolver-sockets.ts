import { closeSync } from 'node:fs'
import { type BoundSocket, bindSocket } from '../../linux/net/bound-sockets.ts'
import { redirectLocally } from '../../linux/net/nft-redirect.ts'
import { SyscallError } from '../../linux/process/libc.ts'
import { insideNetworkNamespace } from '../../linux/process/namespaces.ts'

/** Where containers find the engine's DNS server: docker's address. */
export const RESOLVER_ADDRESS = '127.0.0.11'
const DNS_PORT = 53
const TABLE = 'shoal_dns'

export interface ResolverPorts {
  readonly udp: number
  readonly tcp: number
}

export interface ResolverSockets {
  readonly udp: BoundSocket
  readonly tcp: BoundSocket
}

/**
 * Sockets inside of a container that answer for 127.0.0.11:53. They have ports of the kernel's choice that port 53 of that
 * address alone is led to, so that servers in the container may have port 53 of every address for themselves.
 *
 * `earlier`: the ports that a former life of the engine had there; with them back, nothing needs to be led anew.
 */
export function openResolverSockets(netnsPath: string, earlier?: ResolverPorts): ResolverSockets {
  return insideNetworkNamespace(netnsPath, () => {
    const again = earlier === undefined ? undefined : tryBind(earlier)
    if (again !== undefined) return again
    const sockets = bindBoth({ udp: 0, tcp: 0 })
    try {
      redirectLocally(TABLE, redirects(sockets), { replace: earlier !== undefined })
      return sockets
    } catch (error) {
      closeBoth(sockets)
      // A kernel without nf_tables: better to take the port itself than to have no names.
      if (error instanceof SyscallError) return bindBoth({ udp: DNS_PORT, tcp: DNS_PORT })
      throw error
    }
  })
}

/** Sockets on the ports that an engine had which has died; undefined while somebody has them. */
export function reopenResolverSockets(netnsPath: string, ports: ResolverPorts): ResolverSockets | undefined {
  return insideNetworkNamespace(netnsPath, () => tryBind(ports))
}

function redirects({ udp, tcp }: ResolverSockets) {
  const at = { address: RESOLVER_ADDRESS, port: DNS_PORT }
  return [
    { ...at, protocol: 'udp' as const, toPort: udp.port },
    { ...at, protocol: 'tcp' as const, toPort: tcp.port },
  ]
}

function bindBoth(ports: ResolverPorts): ResolverSockets {
  const udp = bindSocket('datagram', RESOLVER_ADDRESS, ports.udp)
  try {
    return { udp, tcp: bindSocket('stream', RESOLVER_ADDRESS, ports.tcp) }
  } catch (error) {
    closeSync(udp.fd)
    throw error
  }
}

function tryBind(ports: ResolverPorts): ResolverSockets | undefined {
  try {
    return bindBoth(ports)
  } catch {
    return undefined
  }
}

function closeBoth({ udp, tcp }: ResolverSockets): void {
  closeSync(udp.fd)
  closeSync(tcp.fd)
}
