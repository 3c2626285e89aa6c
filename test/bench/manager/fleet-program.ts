import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FleetNode } from './fleet-node.ts'

/** `fleet-program.ts NODES CONTAINERS`: that many engines behind one port, each at an address of its own below 127.1. Prints the port. */
const [count = 1, containers = 0] = process.argv.slice(2).map(Number)
const nodes = new Map(Array.from({ length: count }, (_, index) => [addressOf(index), new FleetNode(index, containers)]))

const server = createServer((request, response) => {
  const node = nodes.get(request.socket.localAddress ?? '')
  if (node === undefined) return void response.writeHead(404).end()
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk as Buffer))
  request.on('end', () => node.answer(request, response, Buffer.concat(chunks).toString()))
})
server.keepAliveTimeout = 60_000
server.listen({ port: 0, host: '0.0.0.0', backlog: 4_096 }, () =>
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
)
process.on('disconnect', () => process.exit(0))

function addressOf(index: number): string {
  return `127.1.${Math.floor(index / 250)}.${1 + (index % 250)}`
}
