import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../scripts/lib/command.ts'
import { isAlive, type ProcessIdentity } from '../../../src/runtime/linux/process/process-identity.ts'
import type { Sandbox, SandboxRequest } from '../../../src/runtime/ports.ts'
import { HostProcess, inside, Lab, type LabHost, resolveName, run, sandboxRequest } from './lab.ts'

const isRoot = process.getuid?.() === 0
const DNS = '127.0.0.11'
/** A DNS server that knows one name, says over which transport it was asked, and cuts its answer when that was UDP for `big`. */
const UPSTREAM = `
const { decode, encode, TRUNCATED_RESPONSE } = require('${process.cwd()}/node_modules/dns-packet')
const answer = (bytes, transport) => {
  const { id, questions: [question] } = decode(bytes)
  if (question.name === 'big.example.com' && transport === 'udp')
    return encode({ type: 'response', id, flags: TRUNCATED_RESPONSE, questions: [question] })
  const data = transport === 'udp' ? '203.0.113.1' : '203.0.113.2'
  const answers = question.type === 'A' ? [{ name: question.name, type: 'A', ttl: 60, data }] : []
  return encode({ type: 'response', id, questions: [question], answers })
}
const udp = require('dgram').createSocket('udp4')
udp.on('message', (bytes, from) => udp.send(answer(bytes, 'udp'), from.port, from.address))
require('net').createServer(socket => {
  socket.on('error', () => {})
  socket.on('data', bytes => {
    const reply = answer(bytes.subarray(2), 'tcp')
    const length = Buffer.alloc(2)
    length.writeUInt16BE(reply.length)
    socket.write(Buffer.concat([length, reply]))
  })
}).listen(53, '10.77.0.254')
udp.bind(53, '10.77.0.254', () => console.log('ready'))
`
/** Asks once, over UDP and if told to over TCP. */
const ASK = `
const { decode, encode } = require('${process.cwd()}/node_modules/dns-packet')
const [name, transport] = process.argv.slice(1)
const query = encode({ type: 'query', id: 7, flags: 256, questions: [{ name, type: 'A' }] })
const show = bytes => {
  const { rcode, flag_tc, answers } = decode(bytes)
  console.log(JSON.stringify({ rcode, cut: flag_tc, data: answers.map(({ data }) => data) }))
  process.exit()
}
if (transport === 'tcp') {
  const socket = require('net').connect(53, '${DNS}')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(query.length)
  socket.write(Buffer.concat([length, query]))
  socket.on('data', bytes => show(bytes.subarray(2)))
} else {
  const socket = require('dgram').createSocket('udp4')
  socket.on('message', show)
  socket.send(query, 53, '${DNS}')
}
setTimeout(() => process.exit(1), 3000)
`
/** As the probe of a peer: whoever answers sends to the port that asks. */
const ASK_PULSE = `
const socket = require('dgram').createSocket('udp4')
socket.on('message', bytes => {
  process.stdout.write(String(bytes))
  process.exit()
})
socket.bind(4788, '10.77.0.254', () => socket.send('are you there', 4788, process.argv[1]))
setTimeout(() => process.exit(1), 1000)
`

describe.skipIf(!isRoot)('names inside containers (needs root)', () => {
  const lab = new Lab()
  let host: LabHost
  const open = (request: SandboxRequest): Promise<Sandbox> => host.process.call<Sandbox>('open', request)
  const netns = (sandbox: Sandbox): string => sandbox.netnsPath ?? 'no namespace'
  const on = (network: string, config = {}, more: Partial<SandboxRequest> = {}): Partial<SandboxRequest> => ({
    networkMode: network,
    endpoints: { [network]: config },
    dns: [lab.wireAddress],
    ...more,
  })
  const ask = async (sandbox: Sandbox, name: string, transport = 'udp'): Promise<unknown> => {
    const { stdout } = await inside(netns(sandbox), process.execPath, '-e', ASK, name, transport)
    return stdout === '' ? undefined : JSON.parse(stdout)
  }

  beforeAll(async () => {
    await lab.open()
    host = await lab.addHost()
    await lab.spawn(lab.wire, process.execPath, '-e', UPSTREAM)
    await host.process.call('openStack', host.folder)
    await host.process.call('createNetwork', { Name: 'app' })
    await host.process.call('createNetwork', { Name: 'vault', Internal: true })
  })
  afterAll(() => lab.close())

  it('passes on questions for others, over UDP and TCP, with the answers as they are', async () => {
    const sandbox = await open(sandboxRequest('asks', on('app')))
    expect(await ask(sandbox, 'www.example.com')).toEqual({ rcode: 'NOERROR', cut: false, data: ['203.0.113.1'] })
    expect(await ask(sandbox, 'big.example.com')).toMatchObject({ cut: true, data: [] })
    expect(await ask(sandbox, 'big.example.com', 'tcp')).toMatchObject({ cut: false, data: ['203.0.113.2'] })
  })

  it('answers for containers itself, and finds them under a new name at once', async () => {
    const web = await open(sandboxRequest('web', on('app', {}, { hostname: 'h1' })))
    const asker = await open(sandboxRequest('asker', on('app')))
    const address = web.networks['app']?.IPAddress
    expect(await resolveName(netns(asker), DNS, 'web')).toEqual([address])
    expect(await resolveName(netns(asker), DNS, 'WEB.app')).toEqual([address])
    expect(await ask(asker, 'web', 'tcp')).toMatchObject({ data: [address] })
    await host.process.call('rename', basename(netns(web)), 'shop')
    expect(await resolveName(netns(asker), DNS, 'shop')).toEqual([address])
    expect(await ask(asker, 'web')).toMatchObject({ data: ['203.0.113.1'] })
  })

  it('knows a link’s name for the container that has the link, and for no other', async () => {
    const db = await open(sandboxRequest('db', on('app')))
    const linked = await open(sandboxRequest('linked', on('app', { Links: ['db:database'] })))
    const other = await open(sandboxRequest('other', on('app')))
    expect(await resolveName(netns(linked), DNS, 'database')).toEqual([db.networks['app']?.IPAddress])
    expect(await ask(other, 'database')).toMatchObject({ data: ['203.0.113.1'] })
  })

  it('lets no question out of an internal network', async () => {
    const sandbox = await open(sandboxRequest('inner', on('vault')))
    expect(await ask(sandbox, 'secret.example.com')).toMatchObject({ rcode: 'SERVFAIL', data: [] })
    expect(await ask(sandbox, 'inner')).toMatchObject({ data: [sandbox.networks['vault']?.IPAddress] })
  })

  it('leaves port 53 to a server in the container', async () => {
    const sandbox = await open(sandboxRequest('server', on('app')))
    const serve =
      "const s = require('dgram').createSocket('udp4'); s.bind(53, '0.0.0.0', () => require('net').createServer().listen(53, '0.0.0.0', () => console.log('ready')))"
    await lab.spawn(netns(sandbox), process.execPath, '-e', serve)
    expect(await ask(sandbox, 'server')).toMatchObject({ data: [sandbox.networks['app']?.IPAddress] })
  })

  it('serves the default network only where the host’s servers cannot be reached, and joins in when needed', async () => {
    const plain = await open(sandboxRequest('plain', { dns: [lab.wireAddress] }))
    const { stdout } = await run('cat', plain.files.resolvConf)
    expect(stdout).toContain(`nameserver ${lab.wireAddress}\n`)
    await host.process.call('connect', 'app', basename(netns(plain)))
    expect((await run('cat', plain.files.resolvConf)).stdout).toContain(`nameserver ${DNS}\n`)
    expect(await ask(plain, 'plain')).toMatchObject({ data: [expect.stringMatching(/^172\./)] })
  })

  it('answers while the engine is dead, and with the next one’s own sockets afterwards', async () => {
    const request = sandboxRequest('survivor', on('app'))
    const sandbox = await open(request)
    const pulse = { address: host.address, port: 4788, ask: 'are you there', answer: 'yes' }
    await host.process.call('leaveNames', { app: { elsewhere: ['10.99.0.1'], ill: [] } }, pulse)
    await until('the names to be written down', async () =>
      existsSync(join(host.folder, 'exec/network/names.json')) ? true : undefined,
    )
    await host.process.kill()
    const standIn = await until('somebody to answer', async () => {
      const answer = await ask(sandbox, 'survivor')
      return answer === undefined ? undefined : standInOf(host.folder)
    })
    for (const transport of ['udp', 'tcp']) {
      expect(await ask(sandbox, 'survivor', transport)).toMatchObject({ data: [sandbox.networks['app']?.IPAddress] })
      expect(await ask(sandbox, 'Elsewhere.app', transport)).toMatchObject({ data: ['10.99.0.1'] })
      expect(await ask(sandbox, 'ill', transport)).toMatchObject({ rcode: 'NOERROR', data: [] })
    }
    expect(await ask(sandbox, 'www.example.com')).toMatchObject({ data: ['203.0.113.1'] })
    await until('an answer to a peer', async () => {
      const { stdout } = await inside(lab.wire, process.execPath, '-e', ASK_PULSE, host.address)
      return stdout === 'yes' ? true : undefined
    })
    host.process = new HostProcess(host.netns)
    await host.process.call('openStack', host.folder)
    await host.process.call('restore', [request])
    expect(isAlive(standIn)).toBe(false)
    expect(await ask(sandbox, 'survivor')).toMatchObject({ data: [sandbox.networks['app']?.IPAddress] })
    expect(await ask(sandbox, 'survivor', 'tcp')).toMatchObject({ data: [sandbox.networks['app']?.IPAddress] })
  })

  it('goes on answering after the engine was stopped, until its last container is gone', async () => {
    const request = sandboxRequest('left-alone', on('app'))
    const sandbox = await open(request)
    await host.process.call('closeStack')
    await until('somebody to answer', () => ask(sandbox, 'left-alone'))
    const standIn = standInOf(host.folder)
    for (const file of readdirSync(join(host.folder, 'exec/network/netns'))) {
      await run('umount', '-l', join(host.folder, 'exec/network/netns', file))
    }
    await until('it to end', async () => (isAlive(standIn) ? undefined : true))
  })
})

function standInOf(folder: string): ProcessIdentity {
  return JSON.parse(readFileSync(join(folder, 'exec/network/stand-in.json'), 'utf8')) as ProcessIdentity
}
