import type { RequestListener } from 'node:http'

/** What classic Swarm adds to every answer with `--api-enable-cors` (api/primary.go). */
const HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'Origin, X-Requested-With, Content-Type, Accept',
  'access-control-allow-methods': 'GET, POST, DELETE, PUT, OPTIONS, HEAD',
}

/** Lets web pages of any origin use what `handler` serves. */
export function withCors(handler: RequestListener): RequestListener {
  return (request, response) => {
    // Set and not written, so that they go out with whatever head is written later.
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    if (request.method === 'OPTIONS') response.writeHead(200).end()
    else handler(request, response)
  }
}
