import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sleep, systemClock } from '../../src/core/clock.ts'
import { parseNano } from '../../src/core/nano-time.ts'
import {
  type ContainerCreateRequest,
  type Engine,
  type EngineEvent,
  type LogChunk,
} from '../../src/docker-api/index.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { hear } from '../support/hear.ts'
import type { EngineUnderTest } from './engine-contract.ts'

const IMAGE = 'busybox:test'
const ALL = { stdin: true, stdout: true, stderr: true, logs: false, stream: true }
const soon = (): AbortSignal => AbortSignal.timeout(30_000)

/** What clients see of attached streams, execs, logs and events on every engine. */
export function streamContract(title: string, open: () => Promise<EngineUnderTest>): void {
  describe(title, () => {
    let engine: Engine
    let close: (() => Promise<void>) | undefined
    beforeAll(async () => {
      const opened = await open()
      engine = opened.engine
      close = opened.close
      await engine.images.load(Readable.from([await busyboxArchive()]), soon())
    })
    afterEach(async () => {
      const left = await engine.containers.list({ all: true })
      for (const { Id } of left) await engine.containers.remove(Id, { force: true, volumes: true })
    })
    afterAll(() => close?.())

    const start = async (script: string, request: ContainerCreateRequest = {}): Promise<string> => {
      const HostConfig = { NetworkMode: 'none', ...request.HostConfig }
      const Cmd = ['sh', '-c', script]
      const { Id } = await engine.containers.create({ Image: IMAGE, Cmd, ...request, HostConfig }, {})
      await engine.containers.start(Id)
      return Id
    }
    /** When an event of a container was, once it is told; a millisecond later. */
    const toldMs = async (id: string, { sinceMs, Action }: { sinceMs: number; Action: string }): Promise<number> => {
      const filters = { container: [id], event: [Action] }
      for await (const { timeNano } of engine.events({ sinceMs, filters }, soon())) return Math.ceil(timeNano / 1e6) + 1
      throw new Error(`The event ${Action} was not told`)
    }
    const ended = (id: string): Promise<unknown> => engine.containers.wait(id, { condition: 'not-running' }, soon())
    const isRunning = async (id: string): Promise<boolean> => (await engine.containers.inspect(id)).State.Running
    const logs = (id: string, options = {}): Promise<LogChunk[]> => {
      const wanted = { stdout: true, stderr: true, follow: false, ...options }
      return Array.fromAsync(engine.containers.logs(id, wanted, soon()))
    }

    it('lets a client leave a terminal by its keys, and come back', async () => {
      const id = await start('while read line; do echo "got $line"; done', { Tty: true, OpenStdin: true })
      const first = hear(await engine.containers.attach(id, { ...ALL, detachKeys: 'ctrl-a,d' }))
      first.say('one\n')
      await until(() => first.text().includes('got one'))
      first.say('\x01d')
      await first.over
      expect(await isRunning(id)).toBe(true)
      const second = hear(await engine.containers.attach(id, { ...ALL, logs: true }))
      second.say('two\n')
      await until(() => second.text().includes('got one') && second.text().includes('got two'))
      second.leave()
    })

    it('ends a conversation with the input of its client, but not the container', async () => {
      const id = await start('cat', { OpenStdin: true })
      const talk = hear(await engine.containers.attach(id, ALL))
      talk.end('last words\n')
      await talk.over
      expect(await isRunning(id)).toBe(true)
    })

    it('keeps the input of a container open when somebody leaves who only looked on', async () => {
      const id = await start('cat', { OpenStdin: true, StdinOnce: true })
      const speaker = hear(await engine.containers.attach(id, ALL))
      const viewer = hear(await engine.containers.attach(id, { ...ALL, stdin: false }))
      speaker.say('one\n')
      await until(() => viewer.text() === 'one\n')
      viewer.leave()
      await viewer.over
      speaker.say('two\n')
      await until(() => speaker.text() === 'one\ntwo\n')
      speaker.end('')
      await ended(id)
    })

    it('shows what an exec was asked for, and starts it once', async () => {
      const id = await start('sleep 1000')
      const request = { Cmd: ['sh', '-c', 'exit 3'], User: 'web', AttachStdout: true, DetachKeys: 'a,b' }
      const { Id } = await engine.exec.create(id, request)
      const expected = {
        ID: Id,
        Running: false,
        ExitCode: null,
        ProcessConfig: { tty: false, entrypoint: 'sh', arguments: ['-c', 'exit 3'], privileged: false, user: 'web' },
        OpenStdin: false,
        OpenStderr: false,
        OpenStdout: true,
        CanRemove: false,
        ContainerID: id,
        DetachKeys: 'YWI=',
        Pid: 0,
      }
      expect(await engine.exec.inspect(Id)).toEqual(expected)
      await engine.exec.start(Id, { detach: true, tty: false })
      await until(async () => (await engine.exec.inspect(Id)).ExitCode === 3)
      await expect(engine.exec.start(Id, { detach: true, tty: false })).rejects.toMatchObject({
        status: 409,
        message: `Error: Exec command ${Id} has already run`,
      })
      const plain = await engine.exec.create(id, { Cmd: ['sleep', '100'] })
      await engine.exec.start(plain.Id, { detach: true, tty: false })
      const { Running, Pid, ProcessConfig, DetachKeys } = await engine.exec.inspect(plain.Id)
      expect([Running, Pid > 0, DetachKeys]).toEqual([true, true, ''])
      expect(ProcessConfig).not.toHaveProperty('user')
      await expect(engine.exec.start(plain.Id, { detach: true, tty: false })).rejects.toMatchObject({
        status: 409,
        message: `Error: Exec command ${plain.Id} is already running`,
      })
    })

    it('says where the output of an exec would be why it cannot run', async () => {
      const id = await start('sleep 1000')
      const { Id } = await engine.exec.create(id, { Cmd: ['no-such-program'], AttachStdout: true })
      const attached = await engine.exec.start(Id, { detach: false, tty: false })
      if (attached === undefined) throw new Error('not attached')
      const talk = hear(attached)
      await talk.over
      expect(talk.text()).toMatch(/^OCI runtime exec failed: exec failed: .*executable file not found in \$PATH.*\r\n$/)
      expect((await engine.exec.inspect(Id)).ExitCode).toBeGreaterThanOrEqual(126)
    })

    it('selects log lines to the nanosecond', async () => {
      const id = await start('for i in 1 2 3 4; do echo $i; sleep 0.02; done')
      await ended(id)
      const lines = await logs(id)
      expect(lines.map(({ data }) => data.toString())).toEqual(['1\n', '2\n', '3\n', '4\n'])
      const second = parseNano(lines[1]?.time ?? '') ?? 0n
      const third = parseNano(lines[2]?.time ?? '') ?? 0n
      const from = async (options: object): Promise<string> =>
        (await logs(id, options)).map(({ data }) => data.toString().trim()).join('')
      expect(await from({ sinceNano: second })).toBe('234')
      expect(await from({ sinceNano: second + 1n })).toBe('34')
      expect(await from({ untilNano: third })).toBe('123')
      expect(await from({ untilNano: third - 1n })).toBe('12')
      expect(await from({ sinceNano: second, untilNano: third })).toBe('23')
    })

    it('attaches labels, environment and tag to log lines as asked for', async () => {
      const Config = { labels: 'tier', env: 'MODE', tag: '{{.ImageName}}' }
      const id = await start('echo said', {
        Labels: { tier: 'web front', other: 'x' },
        Env: ['MODE=a=b'],
        HostConfig: { LogConfig: { Type: 'json-file', Config } },
      })
      await ended(id)
      const [line] = await logs(id, { details: true })
      expect(line).toMatchObject({ details: 'MODE=a%3Db,tag=busybox%3Atest,tier=web+front', stream: 'stdout' })
      expect(line?.data.toString()).toBe('said\n')
    })

    it('refuses log options that make no sense, and logs that are not kept', async () => {
      const create = (LogConfig: object): Promise<unknown> =>
        engine.containers.create({ Image: IMAGE, HostConfig: { NetworkMode: 'none', LogConfig } }, {})
      const refused = (LogConfig: object) => expect(create(LogConfig)).rejects
      await refused({ Type: 'json-file', Config: { nonsense: '1' } }).toMatchObject({
        status: 400,
        message: "unknown log opt 'nonsense' for json-file log driver",
      })
      await refused({ Type: 'local', Config: { labels: 'a' } }).toMatchObject({
        status: 400,
        message: "unknown log opt 'labels' for log driver local",
      })
      await refused({ Type: 'json-file', Config: { mode: 'often' } }).toMatchObject({
        status: 400,
        message: 'logger: logging mode not supported: often',
      })
      const id = await start('echo unheard', { HostConfig: { LogConfig: { Type: 'none' } } })
      await ended(id)
      await expect(logs(id)).rejects.toMatchObject({
        status: 501,
        message: 'configured logging driver does not support reading',
      })
    })

    it('tells signals, ends and stops as events, in their order and filtered', async () => {
      const sinceMs = Date.now() - 1_000
      const id = await start('trap "exit 3" TERM; while :; do sleep 0.05; done', { Labels: { tier: 'web', zone: 'b' } })
      await engine.containers.stop(id, { timeoutMs: 5_000 })
      // An engine may answer before it tells.
      const untilMs = await toldMs(id, { sinceMs, Action: 'stop' })
      const between = async (filters: Record<string, string[]>): Promise<EngineEvent[]> =>
        Array.fromAsync(engine.events({ sinceMs, untilMs, filters }, soon()))
      const told = await between({ container: [id], event: ['kill', 'die', 'stop'] })
      expect(told.map(({ Action }) => Action)).toEqual(['kill', 'die', 'stop'])
      expect(told[0]?.Actor.Attributes).toMatchObject({ signal: '15', tier: 'web', image: IMAGE })
      expect(told[1]?.Actor.Attributes).toMatchObject({ exitCode: '3' })
      for (const event of told) expect(Math.floor(event.timeNano / 1e9)).toBe(event.time)
      const count = async (filters: Record<string, string[]>): Promise<number> =>
        (await between({ ...filters, container: [id], event: ['die'] })).length
      expect(
        await count({ type: ['container'], label: ['tier=web', 'zone'], image: ['busybox'], scope: ['local'] }),
      ).toBe(1)
      expect(await count({ label: ['tier=web', 'zone=c'] })).toBe(0)
      expect(await count({ type: ['network'] })).toBe(0)
      expect(await count({ image: ['busy'] })).toBe(0)
      expect(await count({ unheard: ['of'] })).toBe(1)
    })
  })
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + 60_000
  while (!(await holds())) {
    if (systemClock.monotonicMs() > deadlineMs) throw new Error('it did not come true in time')
    await sleep(systemClock, 50)
  }
}
