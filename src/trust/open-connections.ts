import type { TLSSocket } from 'node:tls'
import { fingerprintOf } from './certificate.ts'

/** Connections over which certificates were shown to us, whoever made them: taken over streams are among them. */
export class OpenConnections {
  readonly #shown = new Map<TLSSocket, string>()

  /** Until it closes; nothing is known of one over which no certificate was shown. */
  add(socket: TLSSocket): void {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined || this.#shown.has(socket)) return
    this.#shown.set(socket, fingerprintOf(certificate))
    socket.once('close', () => this.#shown.delete(socket))
  }

  /** Ends those of certificates that are not taken any more, with all that goes on over them. */
  endThose(isRevoked: (fingerprint: string) => boolean): void {
    for (const [socket, fingerprint] of this.#shown) if (isRevoked(fingerprint)) socket.destroy()
  }
}
