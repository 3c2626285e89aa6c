import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface HeldPort {
  readonly port: number
  readonly release: () => void
}

/** What becomes of what comes in at a held port although the packet filter leads it elsewhere. */
export interface HeldPortUse {
  readonly onConnection: (connection: Socket) => void
  /** Given the socket of a datagram port; what it returns is called when the port is given back. */
  readonly onSocket: (socket: DatagramSocket) => () => void
}

/** Nobody answers: better than to let clients hang. */
const REFUSE: HeldPortUse = { onConnection: connection => connection.destroy(), onSocket: () => () => {} }

/**
 * Takes a port of this host, so that no other program can. Port 0: the kernel chooses. Rejects with the kernel's code
 * (`EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`).
 */
export async function holdPort(
  protocol: 'tcp' | 'udp',
  host: string,
  port: number,
  use: HeldPortUse = REFUSE,
): Promise<HeldPort> {
  const isIpv6 = host.includes(':')
  if (protocol === 'udp') {
    const socket = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', reuseAddr: false, ipv6Only: isIpv6 })
    socket.bind({ address: host, port, exclusive: true })
    try {
      await once(socket, 'listening')
    } catch (error) {
      // Unlike a server, a datagram socket keeps its descriptor when it cannot have its address.
      socket.close()
      throw error
    }
    socket.on('error', () => {})
    socket.unref()
    const end = use.onSocket(socket)
    const release = (): void => {
      end()
      socket.close()
    }
    return { port: socket.address().port, release }
  }
  const connections = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, connection => {
    connections.add(connection)
    connection.on('close', () => connections.delete(connection))
    use.onConnection(connection)
  })
  server.listen({ host, port, exclusive: true, ipv6Only: isIpv6 })
  await once(server, 'listening')
  // One connection that cannot be taken, as without free descriptors, is no reason to fall.
  server.on('error', () => {})
  server.unref()
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    release: () => {
      server.close()
      for (const connection of connections) connection.destroy()
    },
  }
}
