import { connect, type PeerCertificate } from 'node:tls'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { unavailable } from '../../core/errors.ts'

const DIAL_MS_MAX = 10_000

/** What a server shows of itself. It is not judged here: this is for people to look at. Throws NO_ANSWER. */
export async function peerCertificate(
  host: string,
  port: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<PeerCertificate> {
  return withDeadline(inner => dial(host, port, inner), DIAL_MS_MAX, {
    clock,
    signal,
    onTimeout: () => unavailable('NO_ANSWER', `${host}:${port} does not answer`),
  })
}

function dial(host: string, port: number, signal: AbortSignal): Promise<PeerCertificate> {
  const { promise, resolve, reject } = Promise.withResolvers<PeerCertificate>()
  const socket = connect({ host, port, rejectUnauthorized: false })
  socket.once('secureConnect', () => {
    resolve(socket.getPeerCertificate())
    socket.destroy()
  })
  socket.once('error', reject)
  signal.addEventListener('abort', () => void socket.destroy(), { once: true })
  return promise
}
