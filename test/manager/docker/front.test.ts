import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type AddressInfo, connect, createServer } from 'node:net'
import { Duplex } from 'node:stream'
import { json } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { conflict, notFound } from '../../../src/core/errors.ts'
import {
  type ContainerCreateRequest,
  type ContainerInspect,
  type ContainerSummary,
  createDockerClient,
  type Engine,
} from '../../../src/docker-api/index.ts'
import { makeCertificate } from '../../support/make-certificate.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { memberRecord } from '../support.ts'
import { addNode, get, lab, startFront } from './front-lab.ts'

interface Box {
  readonly id: string
  readonly name: string
  readonly running: boolean
}

const boxId = (text: string): string => text.padEnd(64, '0')

/** Called when a node is asked for a command. */
let onExecAsked = (): void => {}

/** A node's engine with some containers; what is run in them with exec answers its input in capitals. */
function engineWith(boxes: readonly Box[], created: ContainerCreateRequest[] = []): Engine {
  const find = (reference: string): Box => {
    const box =
      boxes.find(({ id, name }) => id === reference || name === reference) ??
      boxes.find(({ id }) => id.startsWith(reference))
    if (box === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${reference}`)
    return box
  }
  const inspect = ({ id, name, running }: Box) =>
    ({
      Id: id,
      Name: `/${name}`,
      Config: { Tty: false },
      State: { Running: running, Status: running ? 'running' : 'exited' },
      NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] } },
    }) as unknown as ContainerInspect
  const summary = ({ id, name, running }: Box, index: number) =>
    ({
      State: running ? 'running' : 'exited',
      Id: id,
      Names: [`/${name}`],
      Created: index,
      Ports: ['0.0.0.0', '::'].map(IP => ({ IP, PrivatePort: 80, PublicPort: 8080, Type: 'tcp' })),
      Labels: {},
    }) as unknown as ContainerSummary
  return stubEngine({
    version: async () => ({ ApiVersion: '1.41' }) as never,
    containers: {
      list: async () => boxes.map(summary),
      inspect: async reference => inspect(find(reference)),
      create: async request => {
        created.push(request)
        return { Id: boxId('new'), Warnings: [] }
      },
      stop: async reference => {
        if (!find(reference).running) throw conflict('STOPPED', 'It does not run')
        return true
      },
      async *logs() {
        yield { stream: 'stdout', data: Buffer.from('hello\n'), time: '2026-01-01T00:00:00Z' }
      },
    },
    exec: {
      create: async reference => ({ Id: `exec-${find(reference).id}` }),
      inspect: async id => {
        onExecAsked()
        if (!boxes.some(box => id === `exec-${box.id}`)) throw notFound('NO_SUCH_EXEC', `No such exec instance: ${id}`)
        return { ID: id, Running: false, ExitCode: 3 } as never
      },
      async start(id) {
        if (id.includes('aa11')) throw conflict('EXEC_STARTED', 'Exec command has already run')
        return { stream: capitals(), tty: true }
      },
    },
  })
}

function capitals(): Duplex {
  return new Duplex({
    allowHalfOpen: true,
    read() {},
    write(chunk: Buffer, _encoding, done) {
      this.push(chunk.toString().toUpperCase())
      done()
    },
    final(done) {
      this.push(null)
      done()
    },
  })
}

async function twoNodes(): Promise<number> {
  await addNode(
    'n1',
    engineWith([
      { id: boxId('aa11'), name: 'web', running: true },
      { id: boxId('aa22'), name: 'job', running: false },
    ]),
  )
  await addNode(
    'n2',
    engineWith([
      { id: boxId('bb11'), name: 'db', running: true },
      { id: boxId('aa33'), name: 'job', running: true },
    ]),
  )
  return startFront()
}

describe('containers of the cluster', () => {
  it('are listed with their node, the newest first, and ports with its address', async () => {
    const port = await twoNodes()
    const { body } = await get(port, '/v1.43/containers/json?all=1')
    const containers = body as ContainerSummary[]
    expect(containers.map(({ Names }) => Names[0])).toEqual(['/n1/job', '/n2/job', '/n1/web', '/n2/db'])
    expect(containers[3]?.Ports).toEqual([{ IP: '10.0.0.2', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }])
    const filters = encodeURIComponent(JSON.stringify({ node: ['n2'] }))
    const of2 = (await get(port, `/containers/json?all=1&filters=${filters}`)).body as ContainerSummary[]
    expect(of2.map(({ Names }) => Names[0])).toEqual(['/n2/job', '/n2/db'])
  })

  it.each([
    ['an id', boxId('aa11'), 'aa11', 'n1'],
    ['a unique prefix', 'aa1', 'aa11', 'n1'],
    ['a name', 'db', 'bb11', 'n2'],
    ['a name that two have, of which one runs', 'job', 'aa33', 'n2'],
    ['a node and a name', 'n1/job', 'aa22', 'n1'],
  ])('are found by %s', async (_how, reference, id, node) => {
    const port = await twoNodes()
    const { status, body } = await get(port, `/containers/${reference}/json`)
    expect({ status, body }).toMatchObject({ status: 200, body: { Id: boxId(id), Node: { Name: node } } })
  })

  it.each([
    ['nothing', 'nope', 404, /No such container: nope/],
    ['several', 'aa', 409, /say which with n1\/job or n1\/web or n2\/job/],
  ])('are refused when the name means %s', async (_what, reference, status, message) => {
    const port = await twoNodes()
    const answer = await get(port, `/containers/${reference}/json`)
    expect(answer).toMatchObject({ status, body: { message: expect.stringMatching(message) as string } })
    expect(answer.type).toBe('application/json')
  })

  it('answer through their node, errors and streams included', async () => {
    const port = await twoNodes()
    const logs = await fetch(`http://127.0.0.1:${port}/v1.43/containers/n2/db/logs?stdout=1`)
    expect(logs.headers.get('content-type')).toMatch(/stream/)
    expect(await logs.text()).toMatch(/hello/)
    const stop = await fetch(`http://127.0.0.1:${port}/containers/n1/job/stop`, { method: 'POST' })
    expect([stop.status, await stop.json()]).toEqual([409, { message: 'It does not run', code: 'STOPPED' }])
  })

  it('hand a hijacked connection on, each direction ended by itself', async () => {
    const port = await twoNodes()
    const client = createDockerClient(`tcp://127.0.0.1:${port}`, { clock: systemClock })
    lab.scope.defer(() => client.close())
    const { Id } = await client.exec.create('db', { Cmd: ['capitals'], AttachStdin: true, AttachStdout: true })
    const attached = await client.exec.start(Id, { detach: false, tty: true })
    attached?.stream.end('hello')
    let text = ''
    for await (const chunk of attached?.stream ?? []) text += String(chunk)
    expect(text).toBe('HELLO')
    expect((await client.exec.inspect(Id)).ExitCode).toBe(3)
  })

  it('get the body of the request that opens a stream, in one piece with it or behind it', async () => {
    const port = await twoNodes()
    for (const isBehind of [false, true]) {
      const asked = Promise.withResolvers<void>()
      onExecAsked = asked.resolve
      const socket = connect(port, '127.0.0.1')
      const body = '{"Detach":false,"Tty":true}'
      socket.write(
        `POST /v1.43/exec/exec-${boxId('bb11')}/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
      )
      // Then the manager has taken the head, and nothing else.
      if (isBehind) await asked.promise
      socket.end(`${body}typed`)
      let text = ''
      for await (const chunk of socket) text += String(chunk)
      expect(text).toMatch(/^HTTP\/1\.1 101 [^]*TYPED$/)
    }
  })

  it('hand on why a node refuses to be hijacked', async () => {
    const port = await twoNodes()
    const client = createDockerClient(`tcp://127.0.0.1:${port}`, { clock: systemClock })
    lab.scope.defer(() => client.close())
    const { Id } = await client.exec.create('web', { Cmd: ['nope'], AttachStdout: true })
    const refused = client.exec.start(Id, { detach: false, tty: false })
    await expect(refused).rejects.toMatchObject({ status: 409, message: 'Exec command has already run' })
  })

  it('say why they cannot be hijacked', async () => {
    const port = await twoNodes()
    const socket = connect(port, '127.0.0.1')
    socket.write('POST /exec/none/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text).toMatch(/^HTTP\/1\.1 404 [^]*No such exec instance: none/)
  })

  it('say so with a body of the length they name, whatever the letters', async () => {
    const port = await twoNodes()
    const socket = connect(port, '127.0.0.1')
    const head = 'HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'
    socket.write(`POST /containers/${encodeURIComponent('größe')}/attach ${head}`)
    let text = ''
    for await (const chunk of socket.setEncoding('utf8')) text += String(chunk)
    const [, length, body = ''] = /content-length: (\d+)[^]*?\r\n\r\n([^]*)$/i.exec(text) ?? []
    expect(body).toContain('größe')
    expect(Buffer.byteLength(body)).toBe(Number(length))
  })

  it('answer a request that offers another protocol as if it did not', async () => {
    const port = await twoNodes()
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /containers/db/json HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*"Name":"n2"/)
  })

  it('are created on the node that fits, expressions taken out', async () => {
    const created: ContainerCreateRequest[] = []
    await addNode('n1', engineWith([]))
    await addNode('n2', engineWith([], created))
    const port = await startFront()
    const create = (body: object, name = '') =>
      fetch(`http://127.0.0.1:${port}/containers/create?name=${name}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
    const response = await create({ Image: 'busybox', Env: ['A=1', 'constraint:node==n2'] }, 'box')
    expect(response.status).toBe(201)
    expect(created[0]).toMatchObject({ Image: 'busybox', Env: ['A=1'] })
    // As docker's own client writes it when there is nothing to say.
    expect(
      (await create({ Image: 'busybox', Env: null, Labels: null, HostConfig: { PortBindings: null } })).status,
    ).toBe(201)
    const impossible = await create({ Image: 'busybox', Env: ['constraint:node==n9'] })
    expect([impossible.status, ((await impossible.json()) as { message: string }).message]).toEqual([
      500,
      'Unable to find a node that satisfies the following conditions \n[available container slots]\n[node==n9]',
    ])
  })

  it('do not wait for a node that is silent', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    lab.scope.defer(() => void silent.close())
    lab.members.push(memberRecord('n9', { apiAddress: `127.0.0.1:${(silent.address() as AddressInfo).port}` }))
    const port = await twoNodes()
    expect((await get(port, '/containers/json?all=1')).body).toHaveLength(4)
  })
})

describe('a manager that does not lead', () => {
  it('hands writes on to the one that does', async () => {
    const leader = await twoNodes()
    const replica = await startFront({ leader: `127.0.0.1:${leader}` })
    const body = JSON.stringify({ name: 'shop', services: [], networks: [], volumes: [] })
    const url = `http://127.0.0.1:${replica}/v1/projects/shop?dryRun=1`
    const response = await fetch(url, { method: 'PUT', body, headers: { 'content-type': 'application/json' } })
    expect([response.status, await response.json()]).toEqual([200, { project: 'shop', changed: true, steps: [] }])
  })

  it('hands them on with TLS, and its certificate, if that is how it serves', async () => {
    const pair = await makeCertificate()
    const tls = { ...pair, ca: pair.cert }
    const leader = await startFront({ tls })
    const replica = await startFront({ tls, leader: `127.0.0.1:${leader}` })
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { method: 'DELETE', agent: false, ...tls }
      httpsRequest(`https://127.0.0.1:${replica}/v1/projects/shop`, options, resolve).on('error', reject).end()
    })
    expect([answer.statusCode, await json(answer)]).toEqual([200, { project: 'shop', changed: true, steps: [] }])
  })

  it('says so when the leader cannot be reached, or hands it back', async () => {
    const alone = await startFront({ leader: '127.0.0.1:1' })
    const response = await fetch(`http://127.0.0.1:${alone}/v1/projects/shop`, { method: 'DELETE' })
    expect([response.status, await response.json()]).toMatchObject([503, { code: 'UNREACHABLE' }])
    const looped = await fetch(`http://127.0.0.1:${alone}/v1/projects/shop`, {
      method: 'DELETE',
      headers: { 'x-shoal-forwarded': '1' },
    })
    expect([looped.status, await looped.json()]).toMatchObject([503, { code: 'NOT_LEADER' }])
  })
})

it('refuses a body that is no project, in a sentence that names the field', async () => {
  const port = await startFront()
  const put = async (body: object) => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/projects/shop`, {
      method: 'PUT',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
    return [response.status, await response.json()]
  }
  expect(await put({ name: 'shop', services: [{ name: 'web' }], networks: [], volumes: [] })).toMatchObject([
    400,
    { code: 'BAD_REQUEST', message: expect.stringMatching(/services\/0/) as string },
  ])
  expect(await put({ name: 'other', services: [], networks: [], volumes: [] })).toMatchObject([
    400,
    { code: 'BAD_PROJECT_NAME' },
  ])
})
