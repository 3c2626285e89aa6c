import { Agent, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { buffer } from 'node:stream/consumers'

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Plain HTTP with an engine, with nothing of ours between: bodies and status codes as they are on the wire. */
export interface EngineHttp {
  /** Text is sent as JSON, bytes as a tar. Resolves with any status once the whole answer is there. */
  readonly call: (method: string, path: string, body?: string | Buffer) => Promise<HttpAnswer>
  /** Resolves once the answer begins. */
  readonly open: (method: string, path: string, body?: string | Buffer) => Promise<IncomingMessage>
  readonly close: () => void
}

const ANSWER_MS_MAX = 120_000

/** One keep-alive client of an engine's unix socket; `connections` at a time at most. */
export function talkTo(socketPath: string, { connections = 16 }: { connections?: number } = {}): EngineHttp {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const open = (method: string, path: string, body?: string | Buffer): Promise<IncomingMessage> =>
    new Promise((done, fail) => {
      const type = typeof body === 'string' ? 'application/json' : 'application/x-tar'
      const headers = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }
      const options: RequestOptions = { socketPath, method, path, agent, headers, timeout: ANSWER_MS_MAX }
      const outgoing = request(options, done)
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer`)))
      outgoing.on('error', fail)
      outgoing.end(body)
    })
  return {
    open,
    async call(method, path, body) {
      const answer = await open(method, path, body)
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: await buffer(answer) }
    },
    close: () => agent.destroy(),
  }
}
