import { failed } from '../../../core/errors.ts'
import { type HttpResponse, readBody } from './http.ts'
import type { RegistrySession } from './session.ts'

/** A list that never ends is a mistake or an attack. */
const PAGES_MAX = 100
const PAGE_TIMEOUT_MS = 30_000

/** Reads a list that a registry gives page by page (RFC 8288 links), below `/v2/`. `refused` makes the error of a refusal. */
export async function* readPages(
  session: RegistrySession,
  path: string,
  refused: (response: HttpResponse) => Promise<Error>,
): AsyncGenerator<object> {
  const { url: base } = session.endpoint
  let next: string | undefined = `${base}/v2/${path}`
  for (let page = 0; page < PAGES_MAX && next !== undefined; page++) {
    const response: HttpResponse = await session.send({ method: 'GET', path: next, deadlineMs: PAGE_TIMEOUT_MS })
    if (response.status !== 200) throw await refused(response)
    yield readJson(await readBody(response), session.endpoint.host)
    const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(response.headers['link'] ?? ''))?.[1]
    const link = target === undefined ? null : URL.parse(target, response.url)
    // Only the registry itself goes on with its own list.
    next = link !== null && link.origin === new URL(base).origin ? link.href : undefined
  }
}

function readJson(body: Buffer, host: string): object {
  try {
    const value: unknown = JSON.parse(body.toString())
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Said below.
  }
  throw failed('REGISTRY_ANSWER', `The registry ${host} answers with something else than JSON: look into its log`)
}
