import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Dock, eventually, isRoot, readAll, readFrames, soon } from './support.ts'

const ALL = { stdin: true, stdout: true, stderr: true, logs: false, stream: true }

describe.skipIf(!isRoot)('attach and exec', () => {
  let dock: Dock
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    await dock.openEngine()
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  it('attached before the start misses nothing, and the end of its input reaches the process', async () => {
    const { containers } = dock.engine
    const id = await dock.create('echo first; echo problem >&2; cat; echo last', { OpenStdin: true, StdinOnce: true })
    const { stream, tty } = await containers.attach(id, ALL)
    expect(tty).toBe(false)
    stream.end('from the client\n')
    const exited = containers.wait(id, { condition: 'next-exit' }, soon())
    await containers.start(id)
    const frames = readFrames(await readAll(stream))
    expect(await exited).toEqual({ StatusCode: 0 })
    const text = (wanted: number): string =>
      frames
        .filter(([kind]) => kind === wanted)
        .map(([, part]) => part)
        .join('')
    expect(text(1)).toBe('first\nfrom the client\nlast\n')
    expect(text(2)).toBe('problem\n')
  })

  it('carries large input whole', async () => {
    const { containers } = dock.engine
    const id = await dock.create('cat', { OpenStdin: true, StdinOnce: true })
    const { stream } = await containers.attach(id, ALL)
    const input = Buffer.alloc(1_000_000, 'abcdefghijklmnopqrstuvwxyz\n')
    await containers.start(id)
    const reading = readAll(stream)
    stream.end(input)
    const output = readFrames(await reading)
      .map(([, part]) => part)
      .join('')
    expect(output.length).toBe(input.length)
    expect(output).toBe(input.toString())
  })

  it('attached with logs gets what was printed before', async () => {
    const { containers } = dock.engine
    const id = await dock.run('echo early; while :; do sleep 0.05; [ -e /tmp/go ] && echo late && exit; done')
    await dock.printed(id, 'early')
    const { stream } = await containers.attach(id, { ...ALL, logs: true })
    const exec = await dock.engine.exec.create(id, { Cmd: ['touch', '/tmp/go'] })
    await dock.engine.exec.start(exec.Id, { detach: true, tty: false })
    expect(readFrames(await readAll(stream))).toEqual([[1, 'early\nlate\n']])
  })

  it.each([false, true])('attached with logs at any moment hears every line once (terminal: %s)', async Tty => {
    const { containers } = dock.engine
    const lines = 3_000
    const count = `i=0; while [ $i -lt ${lines} ]; do echo $i; [ $((i % 100)) = 0 ] && sleep 0.05; i=$((i+1)); done`
    const id = await dock.run(count, { Tty })
    const heard: Promise<string>[] = []
    for (let client = 0; client < 10; client++) {
      const { stream } = await containers.attach(id, { ...ALL, logs: true })
      const text = (bytes: Buffer): string =>
        Tty
          ? bytes.toString()
          : readFrames(bytes)
              .map(([, part]) => part)
              .join('')
      heard.push(readAll(stream).then(text))
      await dock.printed(id, `${client * 250}`)
    }
    const all = Array.from({ length: lines }, (_value, index) => `${index}${Tty ? '\r' : ''}\n`).join('')
    for (const text of await Promise.all(heard)) expect(text).toBe(all)
  })

  it('attached with logs hears a question whose line has no end, and is heard', async () => {
    const id = await dock.run('printf "name? "; read name; echo "hello $name"', { OpenStdin: true, Tty: true })
    const { stream } = await dock.engine.containers.attach(id, { ...ALL, logs: true })
    let heard = ''
    for await (const data of stream) {
      heard += String(data)
      if (heard === 'name? ') stream.write('you\n')
    }
    expect(heard).toMatch(/^name\? (you\r\n)?hello you\r\n$/)
  })

  it('attached with logs and gone again leaves no reader behind', async () => {
    const id = await dock.run('echo said; exec sleep 1000', { OpenStdin: true })
    const open = (): readonly string[] =>
      readdirSync('/proc/self/fd').flatMap(name => {
        try {
          return [readlinkSync(`/proc/self/fd/${name}`)].filter(path => path.includes(id))
        } catch {
          return []
        }
      })
    const before = open().length
    const { stream } = await dock.engine.containers.attach(id, { ...ALL, logs: true })
    await once(stream, 'data')
    expect(open().length).toBeGreaterThan(before)
    stream.destroy()
    expect(await eventually(open, paths => paths.length <= before)).toHaveLength(before)
  })

  it('ends the stream of who waited for a container that was removed', async () => {
    const id = await dock.create('true')
    const { stream } = await dock.engine.containers.attach(id, ALL)
    const reading = readAll(stream)
    await dock.engine.containers.remove(id, {})
    expect(await reading).toHaveLength(0)
  })

  it('with a terminal is raw both ways and knows its size', async () => {
    const { containers } = dock.engine
    // The monitor learns of the size by another way than of what is typed: either may come first.
    const script = 'until [ "$(stty size)" = "33 99" ]; do sleep 0.05; done; read line; stty size; echo "got $line"'
    const id = await dock.create(script, { Tty: true, OpenStdin: true })
    const { stream, tty } = await containers.attach(id, ALL)
    expect(tty).toBe(true)
    await containers.start(id)
    await containers.resize(id, { height: 33, width: 99 })
    stream.write('hello\n')
    const text = (await readAll(stream)).toString()
    expect(text).toContain('33 99\r\n')
    expect(text).toContain('got hello\r\n')
  })

  it('runs a command with frames and exit code', async () => {
    const { exec } = dock.engine
    const id = await dock.run('sleep 100', { Env: ['OWN=1'], WorkingDir: '/data' })
    const { Id } = await exec.create(id, {
      Cmd: ['sh', '-c', 'cat; echo "$OWN $ADDED $FROM_IMAGE"; ls >&2; exit 9'],
      Env: ['ADDED=2'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    })
    expect(await exec.inspect(Id)).toMatchObject({ Running: false, ExitCode: null, ContainerID: id })
    const attached = await exec.start(Id, { detach: false, tty: false })
    attached?.stream.end('input\n')
    const frames = readFrames(await readAll(attached!.stream))
    expect(frames).toEqual([
      [1, 'input\n1 2 1\n'],
      [2, 'seed\n'],
    ])
    const ended = await eventually(
      () => exec.inspect(Id),
      ({ Running }) => !Running,
    )
    expect(ended.ExitCode).toBe(9)
    await expect(exec.start(Id, { detach: false, tty: false })).rejects.toMatchObject({ status: 409 })
  })

  it('runs a command with a terminal, as another user', async () => {
    const { exec } = dock.engine
    const id = await dock.run('sleep 100')
    const request = {
      Cmd: ['sh', '-c', 'read x; id -un; id -G; stty size'],
      Tty: true,
      User: 'app',
      AttachStdin: true,
      AttachStdout: true,
    }
    const { Id } = await exec.create(id, request)
    const attached = await exec.start(Id, { detach: false, tty: true })
    await exec.resize(Id, { height: 20, width: 60 })
    attached?.stream.write('\n')
    const text = (await readAll(attached!.stream)).toString()
    expect(text).toContain('app\r\n1001 50\r\n20 60')
  })

  it('holds nobody up by the size of a terminal whose command never starts', async () => {
    const { exec } = dock.engine
    const id = await dock.run('exec sleep 1000')
    const size = { height: 20, width: 60 }
    const { Id } = await exec.create(id, { Cmd: ['no-such-program'], Tty: true, AttachStdout: true })
    await expect(exec.resize(Id, size)).rejects.toMatchObject({ status: 409 })
    const sizes = Array.from({ length: 5 }, () => exec.resize(Id, size).catch((error: unknown) => error))
    const started = exec.start(Id, { detach: false, tty: true, size })
    await Promise.all([
      ...sizes,
      started.then(async talk => talk && (await Array.fromAsync(talk.stream))).catch(() => {}),
    ])
    await expect(exec.resize(Id, size)).rejects.toMatchObject({ status: 409 })
    expect(await exec.inspect(Id)).toMatchObject({ Running: false, ExitCode: 127 })
    const next = await exec.create(id, { Cmd: ['true'] })
    await exec.start(next.Id, { detach: true, tty: false })
  })

  it('refuses a command that is not there, and containers that do not run', async () => {
    const { exec, containers } = dock.engine
    const id = await dock.run('sleep 100')
    const missing = await exec.create(id, { Cmd: ['no-such-program'], AttachStdout: true })
    await expect(exec.start(missing.Id, { detach: false, tty: false })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('executable file not found'),
    })
    expect(await exec.inspect(missing.Id)).toMatchObject({ Running: false, ExitCode: 127 })
    await containers.pause(id)
    await expect(exec.create(id, { Cmd: ['true'] })).rejects.toMatchObject({ status: 409 })
    await containers.remove(id, { force: true })
    await expect(exec.create(id, { Cmd: ['true'] })).rejects.toMatchObject({ status: 404 })
    await expect(exec.inspect('nothing')).rejects.toMatchObject({ status: 404 })
  })

  it('becomes healthy, then unhealthy, as its check says', async () => {
    const { containers } = dock.engine
    const id = await dock.run('touch /tmp/ok; sleep 100', {
      Healthcheck: { Test: ['CMD-SHELL', 'echo checked; cat /tmp/ok'], Interval: 50e6, Retries: 2 },
    })
    const health = async () => (await dock.state(id)).Health
    const good = await eventually(health, state => state?.Status === 'healthy')
    expect(good?.Log.at(-1)).toMatchObject({ ExitCode: 0, Output: 'checked\n' })
    expect((await containers.list({ filters: { health: ['healthy'] } })).map(({ Id }) => Id)).toContain(id)
    const removing = await dock.engine.exec.create(id, { Cmd: ['sh', '-c', 'busybox rm /tmp/ok'] })
    await dock.engine.exec.start(removing.Id, { detach: true, tty: false })
    const bad = await eventually(health, state => state?.Status === 'unhealthy')
    expect(bad?.FailingStreak).toBeGreaterThanOrEqual(2)
    expect((await containers.list({ filters: { id: [id] } }))[0]?.Status).toMatch(/\(unhealthy\)$/)
  })
})
