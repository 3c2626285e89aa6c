import type { Socket } from 'node:net'

/**
 * Connections to monitors that clients have left and that stay open all the same. conmon takes the end of any connection for
 * the end of a container's input, if that is to end with its client, even when the one that ends only looked on. They are
 * used again by the next who looks on, and end with their container.
 */
export class ParkedSockets {
  readonly #sockets = new Map<string, Set<Socket>>()

  /** What comes from the monitor is thrown away from now on. */
  park(containerId: string, socket: Socket): void {
    const parked = this.#sockets.get(containerId) ?? new Set()
    this.#sockets.set(containerId, parked.add(socket))
    for (const event of ['data', 'end', 'error', 'close']) socket.removeAllListeners(event)
    const forget = (): void => {
      socket.destroy()
      parked.delete(socket)
      if (parked.size === 0 && this.#sockets.get(containerId) === parked) this.#sockets.delete(containerId)
    }
    socket.on('end', forget).on('error', forget).on('close', forget)
    socket.resume()
  }

  /** A parked connection, for who looks on; undefined if there is none. */
  take(containerId: string): Socket | undefined {
    for (const socket of this.#sockets.get(containerId) ?? []) {
      this.#sockets.get(containerId)?.delete(socket)
      for (const event of ['end', 'error', 'close']) socket.removeAllListeners(event)
      if (!socket.destroyed) return socket
    }
    return undefined
  }

  close(): void {
    for (const socket of [...this.#sockets.values()].flatMap(parked => [...parked])) socket.destroy()
  }
}
