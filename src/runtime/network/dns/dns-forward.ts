import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type Clock, sleep, withDeadline } from '../../../core/clock.ts'
import { failed } from '../../../core/errors.ts'
import type { DnsTransport } from './dns-answer.ts'

const PORT = 53
/** Clients give up after five seconds and ask again: they must have their answer, if only a failure, before that. */
const ANSWER_TIMEOUT_MS = 2_500
/** The next server is asked when the ones before have been silent for this long. */
const STAGGER_MS = 700
/** As many as resolvers look at in resolv.conf. */
const SERVERS_MAX = 3

/** Asks the servers one after another and passes on the first answer as it is; undefined when none answers in time. */
export async function askOutside(
  query: Buffer,
  servers: readonly string[],
  { transport, clock }: { readonly transport: DnsTransport; readonly clock: Clock },
): Promise<Buffer | undefined> {
  const ask = transport === 'udp' ? askUdp : askTcp
  const enough = new AbortController()
  const tries = servers.slice(0, SERVERS_MAX).map(async (server, index) => {
    await sleep(clock, index * STAGGER_MS, enough.signal)
    return ask(query, server, enough.signal)
  })
  try {
    return await withDeadline(() => Promise.any(tries), ANSWER_TIMEOUT_MS, {
      clock,
      onTimeout: () => failed('DNS_TIMEOUT', 'No DNS server answers'),
    })
  } catch {
    return undefined
  } finally {
    enough.abort()
    for (const attempt of tries) attempt.catch(() => {})
  }
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
