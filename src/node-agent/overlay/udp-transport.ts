import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { errorMessage, failed } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { ProbeTransport } from './peer-probe.ts'

const PROBE_PORT = 4788

/** Probes over UDP between the hosts' own addresses. */
export function udpTransport(hostAddress: string, log: Log): ProbeTransport {
  let socket: Socket | undefined
  return {
    send: (host, packet) => {
      // A host that is unreachable is what probing is about.
      socket?.send(packet, PROBE_PORT, host, () => {})
    },
    open: async receive => {
      const opened = createSocket({ type: 'udp4' })
      opened.on('message', (packet, from) => receive(from.address, packet))
      opened.bind({ address: hostAddress, port: PROBE_PORT, exclusive: true })
      try {
        await once(opened, 'listening')
      } catch (cause) {
        const message = `Cannot listen on ${hostAddress}:${PROBE_PORT}/udp: is another agent running on this address?`
        throw failed('PROBE_PORT', message, { cause })
      }
      opened.on('error', error => log.warn({ error: errorMessage(error) }, 'peer probe socket failed'))
      opened.unref()
      socket = opened
    },
    close: () => {
      socket?.close()
      socket = undefined
    },
  }
}
