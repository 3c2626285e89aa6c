import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Dock, eventually, isAlive, isRoot, soon } from './support.ts'

describe.skipIf(!isRoot)('the life of a container', () => {
  let dock: Dock
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    await dock.openEngine()
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  it('runs to its end, keeps output, exit code and times, and runs again', async () => {
    const { containers } = dock.engine
    const id = await dock.create('echo out; echo err >&2; exit 7', { name: 'once' })
    expect(await dock.state(id)).toMatchObject({ Status: 'created', Running: false, Pid: 0, ExitCode: 0 })
    const exited = containers.wait(id, { condition: 'next-exit' }, soon())
    expect(await containers.start(id)).toBe(true)
    expect(await exited).toEqual({ StatusCode: 7 })
    const state = await dock.state(id)
    expect(state).toMatchObject({ Status: 'exited', ExitCode: 7, OOMKilled: false, Error: '' })
    expect(Date.parse(state.FinishedAt)).toBeGreaterThanOrEqual(Date.parse(state.StartedAt))
    expect((await dock.output(id)).split('\n').sort()).toEqual(['', 'err', 'out'])
    const again = containers.wait(id, { condition: 'next-exit' }, soon())
    await containers.start(id)
    await again
    expect((await dock.output(id)).match(/out/g)).toHaveLength(2)
  })

  it('is found by id, prefix and name, and not otherwise', async () => {
    const { containers } = dock.engine
    const id = await dock.create('true', { name: 'findable' })
    for (const reference of [id, id.slice(0, 12), 'findable', '/findable']) {
      expect((await containers.inspect(reference)).Id).toBe(id)
    }
    await expect(containers.inspect('nobody')).rejects.toMatchObject({
      status: 404,
      message: 'No such container: nobody',
    })
    await expect(containers.start('nobody')).rejects.toMatchObject({ status: 404 })
  })

  it('refuses a taken name, a missing image and a bad name before anything is made', async () => {
    const { containers } = dock.engine
    const id = await dock.create('true', { name: 'taken' })
    const before = (await containers.list({ all: true })).length
    await expect(dock.create('true', { name: 'taken' })).rejects.toMatchObject({
      status: 409,
      message: `Conflict. The container name "/taken" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    })
    await expect(dock.create('true', { name: 'a b' })).rejects.toMatchObject({ status: 400 })
    await expect(containers.create({ Image: 'missing', Cmd: ['true'] }, {})).rejects.toMatchObject({ status: 404 })
    await expect(dock.create('true', { host: { Privileged: false, CapAdd: ['NONSENSE'] } })).rejects.toMatchObject({
      status: 400,
    })
    expect(await containers.list({ all: true })).toHaveLength(before)
  })

  it('gives a taken name to one of two that ask at the same time', async () => {
    const results = await Promise.allSettled([1, 2, 3].map(() => dock.create('true', { name: 'raced' })))
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
  })

  it('starts once, stops with its signal, and does not stop twice', async () => {
    const { containers } = dock.engine
    const id = await dock.run('trap "echo bye; exit 5" USR1; echo ready; while :; do sleep 0.05; done', {
      StopSignal: 'SIGUSR1',
    })
    await dock.printed(id, 'ready')
    expect(await containers.start(id)).toBe(false)
    expect(await containers.stop(id, {})).toBe(true)
    expect(await dock.state(id)).toMatchObject({ Status: 'exited', ExitCode: 5 })
    expect(await dock.output(id)).toContain('bye')
    expect(await containers.stop(id, {})).toBe(false)
  })

  it('is killed when the grace is over', async () => {
    const id = await dock.run('trap "" TERM; echo ready; while :; do sleep 0.05; done')
    await dock.printed(id, 'ready')
    expect(await dock.engine.containers.stop(id, { timeoutMs: 200 })).toBe(true)
    expect((await dock.state(id)).ExitCode).toBe(137)
  })

  it('gets signals by kill, and refuses them when it does not run', async () => {
    const { containers } = dock.engine
    const id = await dock.run('trap "echo got it" HUP; echo ready; while :; do sleep 0.05; done')
    await dock.printed(id, 'ready')
    await containers.kill(id, 'HUP')
    await dock.printed(id, 'got it')
    const exited = containers.wait(id, { condition: 'not-running' }, soon())
    await containers.kill(id, 'SIGKILL')
    expect(await exited).toEqual({ StatusCode: 137 })
    await expect(containers.kill(id, 'TERM')).rejects.toMatchObject({ status: 409 })
    await expect(containers.kill(id, 'NOSUCH')).rejects.toMatchObject({
      status: 400,
      message: 'Invalid signal: NOSUCH',
    })
  })

  it('pauses and goes on, and can be stopped while paused', async () => {
    const { containers } = dock.engine
    const id = await dock.run('while :; do sleep 0.05; done')
    await expect(containers.unpause(id)).rejects.toMatchObject({ status: 409 })
    await containers.pause(id)
    expect(await dock.state(id)).toMatchObject({ Status: 'paused', Paused: true, Running: true })
    await expect(containers.pause(id)).rejects.toMatchObject({ status: 409 })
    await containers.unpause(id)
    expect((await dock.state(id)).Status).toBe('running')
    await containers.pause(id)
    await containers.stop(id, { timeoutMs: 200 })
    expect((await dock.state(id)).Status).toBe('exited')
    await expect(containers.pause(id)).rejects.toMatchObject({ status: 409, message: `Container ${id} is not running` })
  })

  it('is renamed; the old name is free', async () => {
    const { containers } = dock.engine
    const id = await dock.create('true', { name: 'old-name' })
    await dock.create('true', { name: 'other-name' })
    await expect(containers.rename(id, 'other-name')).rejects.toMatchObject({ status: 409 })
    await containers.rename(id, 'new-name')
    expect((await containers.inspect('new-name')).Name).toBe('/new-name')
    await expect(containers.inspect('old-name')).rejects.toMatchObject({ status: 404 })
    await dock.create('true', { name: 'old-name' })
  })

  it('is removed when it does not run, or by force, and waiters are told', async () => {
    const { containers } = dock.engine
    const id = await dock.run('sleep 100')
    const { Pid } = await dock.state(id)
    await expect(containers.remove(id, {})).rejects.toMatchObject({
      status: 409,
      message: `You cannot remove a running container ${id}. Stop the container before attempting removal or force remove`,
    })
    const removed = containers.wait(id, { condition: 'removed' }, soon())
    await containers.remove(id, { force: true })
    expect(await removed).toEqual({ StatusCode: 137 })
    expect(isAlive(Pid)).toBe(false)
    await expect(containers.inspect(id)).rejects.toMatchObject({ status: 404 })
  })

  it('with AutoRemove is gone after its end', async () => {
    const { containers } = dock.engine
    const id = await dock.create('exit 3', { host: { AutoRemove: true } })
    const removed = containers.wait(id, { condition: 'removed' }, soon())
    await containers.start(id)
    expect(await removed).toEqual({ StatusCode: 3 })
    await expect(containers.inspect(id)).rejects.toMatchObject({ status: 404 })
  })

  it('restarts with a new pid', async () => {
    const { containers } = dock.engine
    const id = await dock.run('sleep 100', { StopSignal: 'KILL' })
    const before = await dock.state(id)
    await containers.restart(id, {})
    const after = await dock.state(id)
    expect(after.Status).toBe('running')
    expect(after.Pid).not.toBe(before.Pid)
  })

  it('restarts by the signal asked for, and is killed if that takes too long', async () => {
    const { containers } = dock.engine
    const id = await dock.run('trap "echo told; exit 0" USR1; trap "" TERM; echo ready; while :; do sleep 0.05; done')
    await dock.printed(id, 'ready')
    await containers.restart(id, { signal: 'SIGUSR1', timeoutMs: 60_000 })
    await eventually(
      () => dock.output(id),
      text => /ready\ntold\nready/.test(text),
    )
    await containers.restart(id, { signal: 'SIGTERM', timeoutMs: 100 })
    await eventually(
      () => dock.output(id),
      text => text.endsWith('told\nready\nready\n'),
    )
    await expect(containers.restart(id, { signal: 'NOSUCH' })).rejects.toMatchObject({ status: 400 })
    expect((await dock.state(id)).Status).toBe('running')
  })

  it('that cannot run its command says so, is left created, and can be removed', async () => {
    const { containers } = dock.engine
    const id = await dock.create('', { Cmd: ['no-such-program'] })
    await expect(containers.start(id)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('executable file not found in $PATH'),
    })
    expect(await dock.state(id)).toMatchObject({ Status: 'created', ExitCode: 127 })
    expect((await dock.state(id)).Error).toContain('no-such-program')
    await containers.remove(id, {})
  })

  it('shows its processes', async () => {
    const id = await dock.run('sleep 1000 & wait')
    const commands = async (): Promise<(string | undefined)[]> => {
      const { Titles, Processes } = await dock.engine.containers.top(id)
      return Processes.map(row => row[Titles.indexOf('CMD')])
    }
    expect(await eventually(commands, list => list.includes('sleep 1000'))).toHaveLength(2)
  })

  it('is listed with docker filters, newest first', async () => {
    const { containers } = dock.engine
    const running = await dock.run('sleep 100', { name: 'list-running', Labels: { role: 'web', tier: 'front' } })
    const done = await dock.create('exit 4', { name: 'list-done', Labels: { role: 'web' } })
    const exited = containers.wait(done, { condition: 'next-exit' }, soon())
    await containers.start(done)
    await exited
    const names = async (filters: Record<string, string[]>, all = true): Promise<(string | undefined)[]> =>
      (await containers.list({ all, filters })).map(({ Names }) => Names[0])
    expect(await names({ label: ['role=web'] })).toEqual(['/list-done', '/list-running'])
    expect(await names({ label: ['role=web', 'tier'] })).toEqual(['/list-running'])
    expect(await names({ label: ['role=web'] }, false)).toEqual(['/list-running'])
    expect(await names({ exited: ['4'] })).toEqual(['/list-done'])
    expect(await names({ id: [running.slice(0, 8)] })).toEqual(['/list-running'])
    expect(await names({ name: ['list-'], status: ['exited'] })).toEqual(['/list-done'])
    expect(await names({ ancestor: ['box'], name: ['^/list-running$'] })).toEqual(['/list-running'])
    expect(await names({ ancestor: ['missing'] })).toEqual([])
    await expect(names({ nonsense: ['1'] })).rejects.toMatchObject({ status: 400 })
    const [shown] = await containers.list({ filters: { name: ['list-running'] } })
    expect(shown).toMatchObject({ State: 'running', Command: "sh -c 'sleep 100'", Image: 'box' })
    expect(shown?.Status).toMatch(/^Up /)
  })

  it('tells its story as events', async () => {
    const { containers, events } = dock.engine
    const stop = new AbortController()
    const heard: string[] = []
    const listening = (async () => {
      for await (const event of events({ filters: { type: ['container'], label: ['story'] } }, stop.signal)) {
        heard.push(event.Action)
        if (event.Action === 'destroy') return
      }
    })()
    const id = await dock.create('exit 0', { Labels: { story: 'yes' } })
    const exited = containers.wait(id, { condition: 'next-exit' }, soon())
    await containers.start(id)
    await exited
    await containers.remove(id, {})
    await listening
    expect(heard).toEqual(['create', 'start', 'die', 'destroy'])
  })

  it('takes over the image content in a fresh named volume, and keeps it', async () => {
    const options = { host: { Binds: ['kept:/data'] } }
    expect((await dock.runToEnd('cat /data/seed; echo more >/data/more', options)).output).toBe('seed\n')
    expect((await dock.runToEnd('cat /data/more', options)).output).toBe('more\n')
  })
})
