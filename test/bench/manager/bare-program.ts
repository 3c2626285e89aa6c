import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `bare-program.ts BYTES`: answers everything with that many, and does nothing else. Prints its port: no server is faster on this machine. */
const bytes = Buffer.alloc(Number(process.argv[2]), 'x')
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes)
})
process.on('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
