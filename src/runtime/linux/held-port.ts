import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

export interface HeldPort {
  readonly port: number
  readonly release: () => void
}

/**
 * Takes a port of this host without serving it, so that no other program can while the packet filter leads it
 * elsewhere. Port 0: the kernel chooses. Rejects with the kernel's code (`EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`).
 */
export async function holdPort(protocol: 'tcp' | 'udp', host: string, port: number): Promise<HeldPort> {
  if (protocol === 'udp') {
    const socket = createSocket({ type: 'udp4', reuseAddr: false })
    socket.bind({ address: host, port, exclusive: true })
    await once(socket, 'listening')
    socket.unref()
    return { port: socket.address().port, release: () => void socket.close() }
  }
  // A connection can only get here while the packet filter is not in place: refuse it rather than let it hang.
  const server = createServer(connection => connection.destroy())
  server.listen({ host, port, exclusive: true })
  await once(server, 'listening')
  server.unref()
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    release: () => void server.close(),
  }
}
