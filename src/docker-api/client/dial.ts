import { once } from 'node:events'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import { withDeadline } from '../../core/clock.ts'
import { errorCode, errorMessage, unavailable } from '../../core/errors.ts'
import { parseApiAddress } from './address.ts'
import { connectionOptions, watchPeer } from './tls.ts'
import { CONNECT_MS_MAX, type TransportPorts, whyUnreachable } from './transport.ts'

/** A connection to an API on which nothing has been said. Throws ENGINE_UNAVAILABLE. */
export async function dialApi(address: string, ports: TransportPorts, signal: AbortSignal): Promise<Duplex> {
  const { clock, tls, dial } = ports
  if (dial !== undefined) return dial(signal)
  const target = parseApiAddress(address)
  const open = async (inner: AbortSignal): Promise<Duplex> => {
    const where = target.kind === 'unix' ? { path: target.path } : { host: target.host, port: target.port }
    const isTls = target.kind === 'tcp' && tls !== undefined
    const socket = isTls
      ? tlsConnect({ ...where, ...connectionOptions(tls) })
      : connect({ ...where, allowHalfOpen: true })
    if (tls !== undefined) watchPeer(socket, tls)
    try {
      await once(socket, isTls ? 'secureConnect' : 'connect', { signal: inner })
      return socket
    } catch (cause) {
      socket.destroy()
      inner.throwIfAborted()
      const why = whyUnreachable(errorCode(cause)) ?? errorMessage(cause)
      throw unavailable('ENGINE_UNAVAILABLE', `Cannot connect to ${target.text}: ${why}`, { cause })
    }
  }
  return withDeadline(open, CONNECT_MS_MAX, {
    clock,
    signal,
    onTimeout: () => unavailable('ENGINE_UNAVAILABLE', `Cannot connect to ${target.text}: timed out`),
  })
}
