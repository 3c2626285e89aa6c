import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { createDockerServer } from '../../../src/docker-api/server/index.ts'
import { Dock, eventually, isRoot, readFrames, soon } from '../containers/support.ts'

/** A connection that an engine has taken over, seen from the client. */
interface Talk {
  readonly head: string
  readonly socket: Socket
  /** All that came after the head. */
  readonly heard: () => Buffer
  readonly ended: Promise<void>
}

describe.skipIf(!isRoot)('conversations over HTTP', () => {
  let dock: Dock
  let path = ''
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    const engine = await dock.openEngine()
    const server = await createDockerServer({ engine, log: silentLog })
    path = join(dock.directory, 'engine.sock')
    await server.listen({ hosts: [`unix://${path}`] })
    dock.defer(() => server.close())
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  async function ask(request: string, { body = '', upgrade = true } = {}): Promise<Talk> {
    const socket = connect({ path, allowHalfOpen: true })
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const { promise: head, resolve: gotHead } = Promise.withResolvers<string>()
    let bytes = Buffer.alloc(0)
    let start = -1
    socket.on('data', (data: Buffer) => {
      bytes = Buffer.concat([bytes, data])
      if (start < 0 && bytes.includes('\r\n\r\n')) {
        start = bytes.indexOf('\r\n\r\n') + 4
        gotHead(bytes.toString('latin1', 0, start))
      }
    })
    socket.on('end', end).on('close', end).on('error', end)
    const wish = upgrade ? 'Connection: Upgrade\r\nUpgrade: tcp\r\n' : ''
    socket.write(`${request} HTTP/1.1\r\nHost: x\r\n${wish}Content-Length: ${body.length}\r\n\r\n${body}`)
    return { head: await head, socket, heard: () => bytes.subarray(start), ended }
  }

  const attach = (id: string, query: string, options = {}): Promise<Talk> =>
    ask(`POST /v1.47/containers/${id}/attach?${query}`, options)
  const output = ({ heard }: Talk): string =>
    readFrames(heard())
      .map(([, text]) => text)
      .join('')
  const isRunning = async (id: string): Promise<boolean> => (await dock.state(id)).Running

  it.each([
    ['v1.47', /101 UPGRADED[^]*application\/vnd\.docker\.multiplexed-stream/],
    ['v1.41', /101 UPGRADED[^]*application\/vnd\.docker\.raw-stream/],
  ])('are named by the version of the API (%s)', async (version, head) => {
    const id = await dock.run('sleep 100')
    const talk = await ask(`POST /${version}/containers/${id}/attach?stream=1&stdout=1`)
    expect(talk.head).toMatch(head)
    talk.socket.destroy()
  })

  it('take over the connection of who did not ask to upgrade, too', async () => {
    const id = await dock.run('cat', { OpenStdin: true, StdinOnce: true })
    const talk = await attach(id, 'stream=1&stdin=1&stdout=1', { upgrade: false })
    expect(talk.head).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*raw-stream/)
    talk.socket.write('GET /_ping HTTP/1.1\r\n\r\n')
    await eventually(
      () => output(talk),
      text => text === 'GET /_ping HTTP/1.1\r\n\r\n',
    )
    talk.socket.end('last\n')
    await talk.ended
    expect(output(talk)).toContain('last\n')
  })

  it('are left by the keys for it, and the container goes on', async () => {
    const id = await dock.run('while read line; do echo "got $line"; done', { OpenStdin: true, Tty: true })
    const seen: string[] = []
    const stop = new AbortController()
    const watching = (async () => {
      for await (const { Action } of dock.engine.events({ filters: { container: [id] } }, stop.signal))
        seen.push(Action)
    })()
    const talk = await attach(id, 'stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,d')
    talk.socket.write('one\n')
    await eventually(
      () => talk.heard().toString(),
      text => text.includes('got one'),
    )
    talk.socket.write('\x01')
    talk.socket.write('d')
    await talk.ended
    expect(await isRunning(id)).toBe(true)
    await eventually(
      () => seen,
      actions => actions.includes('attach') && actions.includes('detach'),
    )
    stop.abort()
    await watching
    const again = await attach(id, 'stream=1&stdin=1&stdout=1')
    again.socket.write('two\n')
    await eventually(
      () => again.heard().toString(),
      text => text.includes('got two'),
    )
    again.socket.destroy()
  })

  it('end with the input of the client, and not the container, unless its input is to end with it', async () => {
    const staying = await dock.run('cat', { OpenStdin: true })
    const first = await attach(staying, 'stream=1&stdin=1&stdout=1')
    first.socket.end('x\n')
    await first.ended
    expect(await isRunning(staying)).toBe(true)
    const leaving = await dock.run('cat; echo over', { OpenStdin: true, StdinOnce: true })
    const second = await attach(leaving, 'stream=1&stdin=1&stdout=1')
    second.socket.end('y\n')
    await second.ended
    expect(output(second)).toBe('y\nover\n')
    const deaf = await dock.run('sleep 0.3; echo said')
    const third = await attach(deaf, 'stream=1&stdin=1&stdout=1')
    third.socket.end('nobody hears this\n')
    await third.ended
    expect(output(third)).toBe('said\n')
  })

  it('of who only looks on leave the input of the others alone', async () => {
    const id = await dock.run('cat', { OpenStdin: true, StdinOnce: true })
    const speaker = await attach(id, 'stream=1&stdin=1&stdout=1')
    for (let round = 0; round < 3; round++) {
      const viewers = await Promise.all([1, 2].map(() => attach(id, 'stream=1&stdout=1')))
      speaker.socket.write(`round ${round}\n`)
      for (const viewer of viewers) {
        await eventually(
          () => output(viewer),
          text => text === `round ${round}\n`,
        )
        viewer.socket.destroy()
        await viewer.ended
      }
    }
    expect(await isRunning(id)).toBe(true)
    speaker.socket.end()
    await speaker.ended
    expect(output(speaker)).toBe('round 0\nround 1\nround 2\n')
    await dock.engine.containers.wait(id, { condition: 'not-running' }, soon())
  })

  it.each([false, true])('with an exec end when its exit code is known (terminal: %s)', async Tty => {
    const id = await dock.run('sleep 100')
    for (const code of [0, 7, 42]) {
      const { Id } = await dock.engine.exec.create(id, {
        Cmd: ['sh', '-c', `stty size; echo out; echo err >&2; exit ${code}`],
        AttachStdout: true,
        AttachStderr: true,
        Tty,
      })
      const body = JSON.stringify({ Tty, ConsoleSize: [17, 71] })
      const talk = await ask(`POST /v1.47/exec/${Id}/start`, { body })
      await talk.ended
      expect(await dock.engine.exec.inspect(Id)).toMatchObject({ Running: false, ExitCode: code })
      if (Tty) expect(talk.heard().toString()).toBe('17 71\r\nout\r\nerr\r\n')
      else expect(output(talk)).toContain('out\n')
    }
  })

  it('with an exec end by its keys, and the command goes on', async () => {
    const id = await dock.run('sleep 100')
    const request = { Cmd: ['cat'], AttachStdin: true, AttachStdout: true, Tty: true, DetachKeys: 'ctrl-x' }
    const { Id } = await dock.engine.exec.create(id, request)
    const talk = await ask(`POST /v1.47/exec/${Id}/start`, { body: JSON.stringify({ Tty: true }) })
    talk.socket.write('\x18')
    await talk.ended
    expect(await dock.engine.exec.inspect(Id)).toMatchObject({ Running: true })
    expect((await ask(`POST /exec/${Id}/start`, { body: '{}' })).head).toMatch(/^HTTP\/1\.1 409 Conflict/)
  })

  it.each([
    [{ Cmd: ['no-such-program'] }, 'executable file not found in $PATH', 127],
    [{ Cmd: ['/etc/passwd'] }, 'permission denied', 126],
    [{ Cmd: ['true'], User: 'nobody9' }, 'unable to find user nobody9', 126],
  ])('with an exec that cannot run %j say why, where its output would be', async (request, reason, code) => {
    const id = await dock.run('sleep 100')
    const { Id } = await dock.engine.exec.create(id, { ...request, AttachStdout: true })
    const talk = await ask(`POST /v1.47/exec/${Id}/start`, { body: '{}' })
    await talk.ended
    expect(talk.head).toContain('101 UPGRADED')
    expect(output(talk)).toContain(reason)
    expect(await dock.engine.exec.inspect(Id)).toMatchObject({ Running: false, ExitCode: code })
  })

  it('with an exec leave nothing behind when clients are cut off', async () => {
    const id = await dock.run('exec sleep 1000')
    const all = (): readonly string[] => [
      ...readdirSync(join(dock.options.execRoot, 'execs')),
      ...readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && commandLine(pid).includes(dock.directory)),
    ]
    const before = new Set(all())
    const rest = (): readonly string[] => all().filter(one => !before.has(one))
    const cutOff = async (Cmd: readonly string[]): Promise<void> => {
      const request = { Cmd, AttachStdin: true, AttachStdout: true, AttachStderr: true }
      const { Id } = await dock.engine.exec.create(id, request)
      const talk = await ask(`POST /v1.47/exec/${Id}/start`, { body: '{"Detach":false}' })
      await eventually(
        () => talk.heard().length,
        length => length > 0,
      )
      talk.socket.destroy()
    }
    const scripts = ['echo here; cat', 'busybox seq 1 20000; cat', 'echo here >&2; read _']
    await cutOff(['sh', '-c', scripts[0] ?? ''])
    await eventually(rest, left => left.length === 0)
    const open = readdirSync('/proc/self/fd').length
    for (let round = 0; round < 5; round++) {
      await Promise.all(scripts.map(script => cutOff(['sh', '-c', script])))
    }
    await eventually(
      () => ({ rest: rest(), open: readdirSync('/proc/self/fd').length }),
      left => left.rest.length === 0 && left.open <= open + 1,
    )
    expect(await isRunning(id)).toBe(true)
  })

  it('with execs of a container that is gone, or cannot, are refused', async () => {
    const id = await dock.run('sleep 100')
    const { Id } = await dock.engine.exec.create(id, { Cmd: ['true'] })
    await dock.engine.containers.kill(id, 'SIGKILL')
    await dock.engine.containers.wait(id, { condition: 'not-running' }, soon())
    expect((await ask(`POST /exec/${Id}/start`, { body: '{}' })).head).toMatch(/^HTTP\/1\.1 409/)
    await dock.engine.containers.remove(id, {})
    expect((await ask(`POST /exec/${Id}/start`, { body: '{}' })).head).toMatch(/^HTTP\/1\.1 404/)
    await expect(dock.engine.exec.inspect(Id)).rejects.toMatchObject({ status: 404 })
    const request = { Cmd: ['true'], DetachKeys: 'ctrl-' }
    await expect(dock.engine.exec.create(await dock.run('sleep 9'), request)).rejects.toMatchObject({ status: 400 })
  })
})

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
