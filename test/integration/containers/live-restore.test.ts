import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContainerInspect } from '../../../src/docker-api/index.ts'
import { cgroupDirectories, detectCgroups } from '../../../src/runtime/linux/process/cgroups.ts'
import { Dock, EngineProcess, eventually, isAlive, isRoot, soon } from './support.ts'

/**
 * Engines that are killed with SIGKILL, in the middle of what they do, and the engines that come after them. A runtime that
 * kills its engine makes the moment exact.
 */
describe.skipIf(!isRoot)('after kill -9 of the engine', () => {
  let dock: Dock
  beforeEach(async () => {
    dock = new Dock()
    await dock.addImage()
  })
  afterEach(() => dock[Symbol.asyncDispose]())

  const request = (script: string, host: object = {}) => ({
    Image: 'box',
    Cmd: ['sh', '-c', script],
    HostConfig: { NetworkMode: 'none', ...host },
  })

  /** A runtime that kills the engine before or after it does `command`, once. */
  const fatalRuntime = (when: 'before' | 'after', command: string): string => {
    const path = join(dock.directory, `runc-${when}-${command}`)
    const kill = `[ "$3" = ${command} ] && [ ! -e ${path}.done ] && touch ${path}.done && kill -9 $(cat ${join(dock.options.execRoot, 'engine.pid')})`
    const body = when === 'before' ? `${kill} && sleep 0.1\nexec runc "$@"` : `runc "$@"\ncode=$?\n${kill}\nexit $code`
    writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 })
    return path
  }

  const mountsLeft = (): string[] =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter(line => line.includes(dock.directory))
  const cgroupsLeft = (): string[] =>
    cgroupDirectories(detectCgroups(), dock.options.cgroupParent ?? '').flatMap(folder => {
      try {
        return readdirSync(folder, { withFileTypes: true })
          .filter(entry => entry.isDirectory())
          .map(({ name }) => name)
      } catch {
        return []
      }
    })

  it('containers keep their pids, logs go on, and their end is noticed', async () => {
    const first = new EngineProcess(dock.options)
    const { Id } = await first.call<{ Id: string }>(
      'containers.create',
      request('i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo line $i; sleep 0.02; done; exit 6'),
      { name: 'survivor' },
    )
    await first.call('containers.start', Id)
    const before = await first.call<ContainerInspect>('containers.inspect', Id)
    await first.kill()
    expect(isAlive(before.State.Pid)).toBe(true)
    const engine = await dock.openEngine()
    const after = await engine.containers.inspect('survivor')
    expect(after.State).toEqual(before.State)
    await expect(engine.containers.create(request('true'), { name: 'survivor' })).rejects.toMatchObject({ status: 409 })
    await dock.printed(Id, 'line 10\n')
    const { Id: exec } = await engine.exec.create(Id, { Cmd: ['touch', '/tmp/stop'] })
    const exited = engine.containers.wait(Id, { condition: 'not-running' }, soon())
    await engine.exec.start(exec, { detach: true, tty: false })
    expect(await exited).toEqual({ StatusCode: 6 })
    const lines = (await dock.output(Id)).trim().split('\n')
    expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`))
  })

  it('an end that nobody saw is found, with its code, and the policy acts on it', async () => {
    const first = new EngineProcess(dock.options)
    const ids: string[] = []
    for (const policy of ['no', 'always'] as const) {
      const { Id } = await first.call<{ Id: string }>(
        'containers.create',
        request('[ -e /tmp/again ] && sleep 100; touch /tmp/again; sleep 1000', { RestartPolicy: { Name: policy } }),
        { name: `policy-${policy}` },
      )
      await first.call('containers.start', Id)
      ids.push(Id)
    }
    const pids = await Promise.all(
      ids.map(async id => (await first.call<ContainerInspect>('containers.inspect', id)).State.Pid),
    )
    await first.kill()
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await eventually(
      () => pids.map(isAlive),
      alive => !alive.includes(true),
    )
    await eventually(
      () => readdirSync(join(dock.options.execRoot, 'exits')).filter(name => name.length === 64),
      files => files.length === 2,
    )
    const { containers } = await dock.openEngine()
    expect((await containers.inspect('policy-no')).State).toMatchObject({
      Status: 'exited',
      ExitCode: 137,
      OOMKilled: false,
    })
    await eventually(
      () => containers.inspect('policy-always'),
      ({ State }) => State.Status === 'running',
    )
  })

  it('a container that lost engine and monitor is ended, and not forgotten', async () => {
    const first = new EngineProcess(dock.options)
    const { Id } = await first.call<{ Id: string }>('containers.create', request('sleep 1000'), {})
    await first.call('containers.start', Id)
    const { State } = await first.call<ContainerInspect>('containers.inspect', Id)
    await first.kill()
    const monitor = Number(readFileSync(join(dock.options.execRoot, 'containers', Id, 'conmon.pid'), 'utf8'))
    process.kill(monitor, 'SIGKILL')
    await eventually(
      () => isAlive(monitor),
      alive => !alive,
    )
    const { containers } = await dock.openEngine()
    expect((await containers.inspect(Id)).State).toMatchObject({ Status: 'exited', ExitCode: 255 })
    expect(isAlive(State.Pid)).toBe(false)
    expect(await containers.start(Id)).toBe(true)
  })

  it.each([
    ['before', 'create'],
    ['after', 'create'],
    ['before', 'start'],
    ['after', 'start'],
  ] as const)(
    '%s the runtime did "%s": the start is undone or finished, and nothing is left over',
    async (when, command) => {
      const first = new EngineProcess({ ...dock.options, runtime: fatalRuntime(when, command) })
      const { Id } = await first.call<{ Id: string }>('containers.create', request('sleep 1000'), { name: 'half' })
      await expect(first.call('containers.start', Id)).rejects.toThrow('the engine process ended')
      await first.exited
      const { containers } = await dock.openEngine()
      const { State } = await containers.inspect('half')
      expect(['created', 'running']).toContain(State.Status)
      if (State.Status === 'created') {
        expect(cgroupsLeft()).toEqual([])
        expect(mountsLeft()).toEqual([])
        expect(await containers.start(Id)).toBe(true)
      }
      expect(isAlive((await containers.inspect('half')).State.Pid)).toBe(true)
      await containers.remove(Id, { force: true })
      expect(cgroupsLeft()).toEqual([])
      expect(mountsLeft()).toEqual([])
    },
  )

  it.each(['before', 'after'] as const)('%s the runtime did "delete": the end is settled once', async when => {
    const first = new EngineProcess({ ...dock.options, runtime: fatalRuntime(when, 'delete') })
    const { Id } = await first.call<{ Id: string }>('containers.create', request('exit 5'), { name: 'half' })
    await first.call('containers.start', Id).catch(() => {})
    await first.exited
    const { containers } = await dock.openEngine()
    const state = await eventually(
      () => dock.state(Id),
      ({ Status }) => Status !== 'running',
    )
    expect(state).toMatchObject({ Status: 'exited', ExitCode: 5 })
    expect(cgroupsLeft()).toEqual([])
    expect(mountsLeft()).toEqual([])
    await containers.remove(Id, {})
  })

  it('in the middle of many creations and removals, what is there is whole', async () => {
    for (let round = 0; round < 3; round++) {
      const first = new EngineProcess(dock.options)
      let finished = 0
      const churn = Array.from({ length: 4 }, async (_, lane) => {
        for (let turn = 0; ; turn++) {
          const { Id } = await first.call<{ Id: string }>(
            'containers.create',
            request('sleep 1000', { Binds: [`v${lane}:/data`] }),
            {
              name: `churn-${round}-${lane}-${turn}`,
            },
          )
          await first.call('containers.start', Id)
          await first.call('containers.remove', Id, { force: true })
          finished++
        }
      })
      const ended = Promise.allSettled(churn)
      await eventually(
        () => finished,
        count => count >= 3 + 2 * round,
      )
      await first.kill()
      await ended
      const engine = await dock.openEngine()
      const all = await engine.containers.list({ all: true })
      for (const { Id, State } of all) {
        expect(['created', 'running', 'exited']).toContain(State)
        const { Pid } = await dock.state(Id)
        if (State === 'running') expect(isAlive(Pid)).toBe(true)
      }
      const running = all.filter(({ State }) => State === 'running').map(({ Id }) => Id)
      expect([...new Set(cgroupsLeft())].sort()).toEqual(running.sort())
      for (const { Id } of all) await engine.containers.remove(Id, { force: true })
      expect(cgroupsLeft()).toEqual([])
      expect(mountsLeft()).toEqual([])
      await dock.closeEngine()
    }
  })

  it('half-made and half-removed containers are undone and finished', async () => {
    const engine = await dock.openEngine()
    const [creating, removing] = [
      await dock.create('true', { name: 'creating' }),
      await dock.create('true', { name: 'removing' }),
    ]
    const kept = await dock.create('true', { name: 'kept' })
    await dock.closeEngine()
    const rewrite = (id: string, life: object): void => {
      const path = join(dock.options.dataRoot, 'containers', id, 'record.json')
      writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), life }))
    }
    rewrite(creating, { status: 'creating' })
    rewrite(removing, { status: 'removing', anonymousVolumes: true })
    writeFileSync(join(dock.options.dataRoot, 'containers', kept, 'record.json.tmp'), '{"half')
    expect(engine).toBeDefined()
    const next = await dock.openEngine()
    expect((await next.containers.list({ all: true })).map(({ Id }) => Id)).toEqual([kept])
    expect(readdirSync(join(dock.options.dataRoot, 'containers'))).toEqual([kept])
  })

  it('stopped by hand stays stopped, what always runs is started', async () => {
    const { containers } = await dock.openEngine()
    const host = (Name: 'always' | 'unless-stopped') => ({ host: { RestartPolicy: { Name } } })
    const ids = [await dock.run('sleep 1000', host('always')), await dock.run('sleep 1000', host('unless-stopped'))]
    for (const id of ids) await containers.stop(id, { timeoutMs: 0 })
    await dock.closeEngine()
    await dock.openEngine()
    await eventually(
      () => dock.state(ids[0] ?? ''),
      ({ Status }) => Status === 'running',
    )
    expect((await dock.state(ids[1] ?? '')).Status).toBe('exited')
  })
})
