import { type EngineHttp, talkTo } from '../../support/engine-http.ts'

export const IMAGE = 'bench/busybox:1'

/** One keep-alive client of an engine whose answers must be good ones. */
export interface BenchClient {
  readonly http: EngineHttp
  /** Resolves with the answer's JSON, or with its text where it is none. Rejects with the answer of a refusal. */
  readonly call: (method: string, path: string, body?: object | Buffer) => Promise<unknown>
  readonly close: () => void
}

export function benchClient(socket: string): BenchClient {
  const http = talkTo(socket)
  return {
    http,
    async call(method, path, body) {
      const sent = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body)
      const { status, body: answer } = await http.call(method, `/v1.41${path}`, sent)
      const text = answer.toString()
      if (status >= 400) throw new Error(`${method} ${path}: ${text}`)
      try {
        return JSON.parse(text) as unknown
      } catch {
        return text
      }
    },
    close: () => http.close(),
  }
}

export async function createAndStart(
  client: BenchClient,
  networkMode: string,
  command: readonly string[],
): Promise<string> {
  const request = { Image: IMAGE, Cmd: command, HostConfig: { NetworkMode: networkMode } }
  const { Id } = (await client.call('POST', '/containers/create', request)) as { Id: string }
  await client.call('POST', `/containers/${Id}/start`)
  return Id
}

export async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

/** Does it `count` times, so many at a time; resolves with what each gave. */
export async function times<T>(count: number, concurrency: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next++ < count) results.push(await work())
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return results
}
