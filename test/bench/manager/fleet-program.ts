import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { systemClock } from '../../../src/core/clock.ts'
import type { MemberRecord } from '../../../src/core/model/node.ts'
import { clusterKeys, createEtcdStore, memberCodec } from '../../../src/discovery/index.ts'
import { FleetNode } from './fleet-node.ts'

/**
 * `fleet-program.ts NODES CONTAINERS [STORE]`: that many engines behind one port, each at an address of its own below 127.1. With a store they
 * are members of its cluster `bench`, all under one lease, and engines of ours; else they are Docker's. Prints the port; tells whoever asks how many bytes went over it.
 */
const [count = 1, containers = 0] = process.argv.slice(2, 4).map(Number)
const [, , , , endpoint] = process.argv
const nodes = new Map(
  Array.from({ length: count }, (_, index) => [
    addressOf(index),
    new FleetNode(index, containers, endpoint !== undefined),
  ]),
)
const LEASE_MS = 10_000
const MEMBERS_A_WRITE = 100

const open = new Set<Socket>()
let bytesOfClosed = 0
const bytesOf = ({ bytesRead, bytesWritten }: Socket): number => bytesRead + bytesWritten

const server = createServer((request, response) => {
  const node = nodes.get(request.socket.localAddress ?? '')
  if (node === undefined) return void response.writeHead(404).end()
  if (request.method === 'GET') return node.answer(request, response, '')
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk as Buffer))
  request.on('end', () => node.answer(request, response, Buffer.concat(chunks).toString()))
})
server.keepAliveTimeout = 60_000
server.on('connection', (socket: Socket) => {
  open.add(socket)
  socket.on('close', () => {
    open.delete(socket)
    bytesOfClosed += bytesOf(socket)
  })
})
process.on('message', () => process.send?.([...open].reduce((sum, socket) => sum + bytesOf(socket), bytesOfClosed)))
process.on('disconnect', () => process.exit(0))
server.listen({ port: 0, host: '0.0.0.0', backlog: 4_096 }, () => void begin((server.address() as AddressInfo).port))

async function begin(port: number): Promise<void> {
  if (endpoint !== undefined) await join(endpoint, port)
  process.stdout.write(`${port}\n`)
}

async function join(store: string, port: number): Promise<void> {
  const etcd = createEtcdStore({ endpoints: [store], clock: systemClock })
  const keys = clusterKeys('bench')
  const lease = await etcd.grantLease(LEASE_MS)
  const members = [...nodes].map(([address, node]) => memberOf(node, address, port))
  for (let from = 0; from < members.length; from += MEMBERS_A_WRITE) {
    const puts = members
      .slice(from, from + MEMBERS_A_WRITE)
      .map(member => ({ put: keys.member(member.name), value: memberCodec.encode(member), lease }))
    await etcd.txn([], puts)
  }
}

function memberOf(node: FleetNode, address: string, port: number): MemberRecord {
  const info = node.info()
  return {
    name: info.Name,
    id: info.ID,
    apiAddress: `${address}:${port}`,
    address,
    nanoCpus: info.NCPU * 1e9,
    memoryBytes: info.MemTotal,
    platform: { os: 'linux', arch: 'x86_64', kernel: info.KernelVersion, operatingSystem: info.OperatingSystem },
    engineVersion: info.ServerVersion,
    storageDriver: info.Driver,
    labels: Object.fromEntries(info.Labels.map(label => label.split('='))),
    bootId: 'boot',
    epoch: 1,
    startedAtMs: 1,
  }
}

function addressOf(index: number): string {
  return `127.1.${Math.floor(index / 250)}.${1 + (index % 250)}`
}
