import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Upstream } from '../../http/proxy.ts'

/** More than are started at one time; each is a hundred bytes. */
const KNOWN_MAX = 20_000
/** `{"Id":"…"}`; what is longer is none. */
const ANSWER_BYTES_MAX = 4 * 1024

/** Which node has which exec instance, from the answers to those who made them: no other node is believed to have it. */
export class ExecNodes {
  readonly #nodes = new Map<string, string>()

  nodeOf(id: string): string | undefined {
    return this.#nodes.get(id)
  }

  /** An id that another node has named already stays that node's. */
  add(id: string, node: string): void {
    if (this.#nodes.has(id)) return
    this.#nodes.set(id, node)
    if (this.#nodes.size <= KNOWN_MAX) return
    for (const oldest of this.#nodes.keys()) {
      this.#nodes.delete(oldest)
      return
    }
  }

  /** Hands the answer to `POST /containers/x/exec` on, and keeps its id before the client knows it. */
  learning(node: string): Required<Pick<Upstream, 'relay'>> {
    const relay = async (answer: IncomingMessage, response: ServerResponse): Promise<void> => {
      let kept = Buffer.alloc(0)
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        kept = Buffer.concat([kept, chunk])
        if (kept.length > ANSWER_BYTES_MAX) return void response.destroy()
      }
      const id = idIn(kept.toString())
      if (id !== undefined) this.add(id, node)
      response.write(kept)
    }
    return { relay }
  }
}

function idIn(json: string): string | undefined {
  try {
    const { Id } = JSON.parse(json) as { readonly Id?: unknown }
    return typeof Id === 'string' ? Id : undefined
  } catch {
    return undefined
  }
}
