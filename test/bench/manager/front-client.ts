import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What is read of a long answer is counted and thrown away: the memory is the same all the time. */
const READ_BYTES = 1024 * 1024

/** A client that takes as little of the machine as it can. */
export class FrontClient {
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 64, timeout: 60_000 })
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  async call(method: string, path: string, body?: object): Promise<unknown> {
    const sent = request({
      port: this.#port,
      host: '127.0.0.1',
      agent: this.#agent,
      method,
      path,
      headers: { 'content-type': 'application/json' },
    })
    // Told by the answer, or its body; a connection may fail twice.
    sent.on('error', () => {})
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const text = (await buffer(answer)).toString()
    if ((answer.statusCode ?? 500) >= 400) throw new Error(`${method} ${path}: ${text}`)
    return text === '' ? undefined : (JSON.parse(text) as unknown)
  }

  /** Milliseconds to the last byte of a good answer, which is counted and not read. */
  async timed(path: string, count: (bytes: number) => void = () => {}): Promise<number> {
    const from = performance.now()
    let head = ''
    const callback = (size: number, bytes: Uint8Array): boolean => {
      count(size)
      if (head === '') head = Buffer.from(bytes.subarray(0, Math.min(size, 15))).toString('latin1')
      return true
    }
    const onread = { buffer: Buffer.alloc(READ_BYTES), callback }
    const socket = connect({ port: this.#port, host: '127.0.0.1', onread })
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`)
    await once(socket, 'close')
    if (!head.startsWith('HTTP/1.1 200')) throw new Error(`GET ${path}: ${head}`)
    return performance.now() - from
  }

  close(): void {
    this.#agent.destroy()
  }
}
