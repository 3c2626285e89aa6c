import { createSocket } from 'node:dgram'
import type { Pulse } from '../../ports.ts'

/** Answers what asks for a pulse. Resolves with how to stop; undefined if the port is not free. */
export function answerPulse({ address, port, ask, answer }: Pulse): Promise<(() => void) | undefined> {
  const socket = createSocket({ type: 'udp4' })
  const asked = Buffer.from(ask)
  socket.on('message', (packet, from) => {
    // Who cannot be reached asks again.
    if (packet.equals(asked)) socket.send(answer, port, from.address, () => {})
  })
  return new Promise(resolve => {
    socket.on('error', () => {
      socket.close()
      resolve(undefined)
    })
    socket.bind({ address, port, exclusive: true }, () => resolve(() => socket.close()))
  })
}
