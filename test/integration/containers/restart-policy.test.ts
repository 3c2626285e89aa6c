import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Dock, eventually, isRoot, soon } from './support.ts'

describe.skipIf(!isRoot)('restart policies', () => {
  let dock: Dock
  beforeAll(async () => {
    dock = new Dock()
    await dock.addImage()
    await dock.openEngine()
  })
  afterAll(() => dock[Symbol.asyncDispose]())

  const restarts = async (id: string): Promise<number> => (await dock.engine.containers.inspect(id)).RestartCount

  it('on-failure tries as often as it was told, and no more', async () => {
    const { containers } = dock.engine
    const host = { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } } as const
    const id = await dock.create('echo ran; exit 3', { host })
    const over = containers.wait(id, { condition: 'not-running' }, soon())
    expect(await over).toEqual({ StatusCode: 0 })
    await containers.start(id)
    expect(await containers.wait(id, { condition: 'not-running' }, soon())).toEqual({ StatusCode: 3 })
    expect(await dock.state(id)).toMatchObject({ Status: 'exited', ExitCode: 3 })
    expect(await restarts(id)).toBe(2)
    expect((await dock.output(id)).match(/ran/g)).toHaveLength(3)
  })

  it('each run of a container that fails at once begins later than the one before', async () => {
    const { containers, events } = dock.engine
    const id = await dock.create('exit 1', { host: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 4 } } })
    const stop = new AbortController()
    const times: number[] = []
    const watching = (async () => {
      for await (const { Action, timeNano } of events({ filters: { container: [id] } }, stop.signal)) {
        if (Action === 'die' || Action === 'start') times.push(timeNano / 1e6)
        if (times.length === 10) return
      }
    })()
    await containers.start(id)
    await watching
    stop.abort()
    // Start, end, start, end …: the pauses lie between an end and the next start.
    const pauses = times.slice(1, -1).flatMap((time, index) => (index % 2 === 0 ? (times[index + 2] ?? 0) - time : []))
    expect(pauses).toHaveLength(4)
    // A timer may fire a moment early; how late it is depends on the host.
    for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThan(100 * 2 ** index - 5)
  })

  it('is never shown as exited while it is restarted, to whoever waits for its end', async () => {
    const id = await dock.run('exit 1', { host: { RestartPolicy: { Name: 'always' } } })
    const seen = new Set<string>()
    while ((await restarts(id)) < 3) {
      seen.add((await dock.state(id)).Status)
      await new Promise(setImmediate)
    }
    expect(seen).not.toContain('exited')
    await dock.engine.containers.remove(id, { force: true })
  })

  it('on-failure leaves alone what succeeded', async () => {
    const { containers } = dock.engine
    const id = await dock.create('true', { host: { RestartPolicy: { Name: 'on-failure' } } })
    const exited = containers.wait(id, { condition: 'next-exit' }, soon())
    await containers.start(id)
    await exited
    expect((await dock.state(id)).Status).toBe('exited')
  })

  it('always restarts what was killed from inside, until it is stopped by hand', async () => {
    const { containers } = dock.engine
    const id = await dock.run('sleep 100', { host: { RestartPolicy: { Name: 'always' } } })
    const { Pid } = await dock.state(id)
    process.kill(Pid, 'SIGKILL')
    await eventually(
      () => dock.state(id),
      state => state.Pid !== 0 && state.Pid !== Pid && state.Status === 'running',
    )
    expect(await restarts(id)).toBe(1)
    await containers.stop(id, { timeoutMs: 100 })
    expect((await dock.state(id)).Status).toBe('exited')
    await containers.start(id)
    expect(await restarts(id)).toBe(0)
  })

  it('a container that waits for its next run can be stopped', async () => {
    const { containers } = dock.engine
    const id = await dock.run('exit 1', { host: { RestartPolicy: { Name: 'always' } } })
    await eventually(
      () => dock.state(id),
      state => state.Restarting,
    )
    expect(await containers.stop(id, {})).toBe(true)
    const count = await restarts(id)
    expect((await dock.state(id)).Status).toBe('exited')
    expect(await restarts(id)).toBe(count)
  })
})
