import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { failed } from '../../core/errors.ts'
import type { DnsTransport } from './dns-answer.ts'

const PORT = 53
const TRY_TIMEOUT_MS = 1_500
/** Three servers of resolv.conf are what resolvers look at. */
const SERVERS_MAX = 3

/** Asks the servers in turn and passes on the first answer as it is; undefined when none answers in time. */
export async function askOutside(
  query: Buffer,
  servers: readonly string[],
  { transport, clock }: { readonly transport: DnsTransport; readonly clock: Clock },
): Promise<Buffer | undefined> {
  for (const server of servers.slice(0, SERVERS_MAX)) {
    try {
      return await withDeadline(
        signal => (transport === 'udp' ? askUdp(query, server, signal) : askTcp(query, server, signal)),
        TRY_TIMEOUT_MS,
        { clock, onTimeout: () => failed('DNS_TIMEOUT', `DNS server ${server} does not answer`) },
      )
    } catch {
      // The next one may know.
    }
  }
  return undefined
}

async function askUdp(query: Buffer, server: string, signal: AbortSignal): Promise<Buffer> {
  const socket = createSocket({ type: server.includes(':') ? 'udp6' : 'udp4', signal })
  try {
    // Connected: packets of others never get here, and a closed port shows at once.
    socket.connect(PORT, server)
    await once(socket, 'connect', { signal })
    socket.send(query)
    for (;;) {
      const [answer] = (await once(socket, 'message', { signal })) as [Buffer]
      if (answer.length >= 2 && answer.readUInt16BE(0) === query.readUInt16BE(0)) return answer
    }
  } finally {
    if (!signal.aborted) socket.close()
  }
}

async function askTcp(query: Buffer, server: string, signal: AbortSignal): Promise<Buffer> {
  const socket = connect({ host: server, port: PORT, signal })
  socket.on('error', () => {})
  try {
    socket.write(frame(query))
    let received = Buffer.alloc(0)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk])
      const [answer] = unframe(received).messages
      if (answer !== undefined) return answer
    }
    throw failed('DNS_CLOSED', `DNS server ${server} closed the connection`)
  } finally {
    socket.destroy()
  }
}

/** DNS over TCP puts the length before each message. */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

export function unframe(bytes: Buffer): { readonly messages: Buffer[]; readonly rest: Buffer } {
  const messages: Buffer[] = []
  let rest = bytes
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const end = 2 + rest.readUInt16BE(0)
    messages.push(rest.subarray(2, end))
    rest = rest.subarray(end)
  }
  return { messages, rest }
}
