import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sleep, systemClock } from '../../src/core/clock.ts'
import {
  type AttachedStream,
  type ContainerCreateRequest,
  type Engine,
  type EngineEvent,
  FrameDecoder,
  listedDetails,
} from '../../src/docker-api/index.ts'
import { busyboxArchive } from '../support/busybox-image.ts'
import { containerFilesContract } from './container-files-contract.ts'
import { imagesContract } from './images-contract.ts'
import { networksContract } from './networks-contract.ts'

export interface EngineUnderTest {
  readonly engine: Engine
  readonly close: () => Promise<void>
}

const IMAGE = 'busybox:test'
const soon = (): AbortSignal => AbortSignal.timeout(30_000)

/** What every engine must do, whether embedded or stock, seen through the Docker Engine API. Networks are not part of it. */
export function engineContract(title: string, open: () => Promise<EngineUnderTest>): void {
  describe(title, () => {
    let engine: Engine
    let close: (() => Promise<void>) | undefined
    beforeAll(async () => {
      const opened = await open()
      engine = opened.engine
      close = opened.close
      const archive = await busyboxArchive({ files: { 'srv/page': 'from the image' } })
      await engine.images.load(Readable.from([archive]), soon())
    })
    afterEach(async () => {
      const left = await engine.containers.list({ all: true })
      for (const { Id } of left) await engine.containers.remove(Id, { force: true, volumes: true })
    })
    afterAll(() => close?.())

    const create = async (request: ContainerCreateRequest, name?: string): Promise<string> => {
      const HostConfig = { NetworkMode: 'none', ...request.HostConfig }
      return (
        await engine.containers.create({ Image: IMAGE, ...request, HostConfig }, name === undefined ? {} : { name })
      ).Id
    }
    const start = async (request: ContainerCreateRequest, name?: string): Promise<string> => {
      const id = await create(request, name)
      await engine.containers.start(id)
      return id
    }
    const run = async (request: ContainerCreateRequest): Promise<{ id: string; code: number }> => {
      const id = await start(request)
      const { StatusCode } = await engine.containers.wait(id, { condition: 'not-running' }, soon())
      return { id, code: StatusCode }
    }
    const output = async (id: string, options = {}): Promise<string> => {
      const all = { stdout: true, stderr: true, follow: false, ...options }
      const chunks = await Array.fromAsync(engine.containers.logs(id, all, soon()))
      return chunks.map(({ stream, data }) => `${stream}: ${data.toString()}`).join('')
    }
    const exec = async (id: string, Cmd: readonly string[], { input = '' } = {}) => {
      const request = { Cmd, AttachStdout: true, AttachStderr: true, AttachStdin: input !== '' }
      const { Id } = await engine.exec.create(id, request)
      const attached = await engine.exec.start(Id, { detach: false, tty: false })
      if (attached === undefined) throw new Error('not attached')
      if (input !== '') attached.stream.end(input)
      const text = await read(attached)
      return { text, code: (await engine.exec.inspect(Id)).ExitCode }
    }
    const idle: ContainerCreateRequest = { Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL' }

    it('runs a command, keeps its output apart, and reports its exit code', async () => {
      const { id, code } = await run({ Cmd: ['sh', '-c', 'echo out; echo err >&2; exit 3'] })
      expect(code).toBe(3)
      const text = await output(id)
      expect(text).toContain('stdout: out\n')
      expect(text).toContain('stderr: err\n')
      expect((await engine.containers.inspect(id)).State).toMatchObject({
        Status: 'exited',
        Running: false,
        ExitCode: 3,
      })
    })

    it('selects logs by stream, tail and time', async () => {
      const { id } = await run({ Cmd: ['sh', '-c', 'for i in 1 2 3 4; do echo $i; done; echo bad >&2'] })
      expect(await output(id, { stderr: false, tail: 99 })).toBe('stdout: 1\nstdout: 2\nstdout: 3\nstdout: 4\n')
      expect((await output(id, { tail: 2 })).split('\n')).toHaveLength(3)
      expect(await output(id, { sinceNano: BigInt(Date.now() + 60_000) * 1_000_000n })).toBe('')
    })

    it('follows logs until the container ends', async () => {
      const id = await start({ Cmd: ['sh', '-c', 'echo a; sleep 0.3; echo b'] })
      expect(await output(id, { follow: true })).toBe('stdout: a\nstdout: b\n')
    })

    it('gives raw output of a terminal', async () => {
      const { id } = await run({ Cmd: ['sh', '-c', 'tty; echo done'], Tty: true })
      expect(await output(id)).toMatch(/^stdout: \/dev\/(pts\/0|console)\r\nstdout: done\r\n$/)
    })

    it('starts and stops once, and says so when asked again', async () => {
      const id = await start(idle)
      expect(await engine.containers.start(id)).toBe(false)
      expect(await engine.containers.stop(id, { timeoutMs: 5_000 })).toBe(true)
      expect(await engine.containers.stop(id, { timeoutMs: 5_000 })).toBe(false)
      expect((await engine.containers.inspect(id)).State.ExitCode).toBe(137)
    })

    it('kills after the grace when the stop signal is ignored', async () => {
      const id = await start({ Cmd: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'] })
      await engine.containers.stop(id, { timeoutMs: 1_000 })
      expect((await engine.containers.inspect(id)).State).toMatchObject({ Running: false, ExitCode: 137 })
    })

    it('delivers a signal', async () => {
      const id = await start({ Cmd: ['sh', '-c', 'trap "exit 7" USR1; echo ready; while :; do sleep 0.05; done'] })
      await until(async () => (await output(id)) !== '')
      await engine.containers.kill(id, 'SIGUSR1')
      expect(await engine.containers.wait(id, { condition: 'not-running' }, soon())).toMatchObject({ StatusCode: 7 })
    })

    it.each([
      ['inspect', 404, /No such container: nothing/],
      ['start', 404, /No such container: nothing/],
    ] as const)('%s of what is not there is %i', async (verb, status, message) => {
      await expect(engine.containers[verb]('nothing')).rejects.toMatchObject({
        status,
        message: expect.stringMatching(message),
      })
    })

    it('refuses a name that is taken, an image that is not there, and to remove what runs', async () => {
      const id = await start(idle, 'taken')
      await expect(create(idle, 'taken')).rejects.toMatchObject({
        status: 409,
        message: expect.stringContaining('already in use'),
      })
      await expect(create({ Image: 'no/such:image' })).rejects.toMatchObject({
        status: 404,
        message: expect.stringContaining('No such image: no/such:image'),
      })
      await expect(engine.containers.remove(id, {})).rejects.toMatchObject({ status: 409 })
      await expect(engine.containers.kill(id, 'SIGNONSENSE')).rejects.toMatchObject({ status: 400 })
    })

    it('makes no container of an image for another platform than the one asked for', async () => {
      const create = (platform: string) => engine.containers.create({ Image: IMAGE, ...idle }, { platform })
      await expect(create('linux/s390x')).rejects.toMatchObject({
        status: 404,
        message: expect.stringMatching(
          /^image with reference busybox:test was found but .* wanted linux\/s390x, actual: /,
        ),
      })
      await expect(create('a/b/c/d')).rejects.toMatchObject({
        status: 400,
        message: '"a/b/c/d": cannot parse platform specifier: invalid argument',
      })
      await expect(create('linux')).resolves.toMatchObject({ Warnings: [] })
    })

    it('finds a container by name, id, prefix and filters', async () => {
      const id = await start({ ...idle, Labels: { tier: 'web' } }, 'findme')
      for (const key of ['findme', id, id.slice(0, 12)]) expect((await engine.containers.inspect(key)).Id).toBe(id)
      const ids = async (filters: Record<string, string[]>, all = false) =>
        (await engine.containers.list({ filters, all })).map(({ Id }) => Id)
      expect(await ids({ name: ['findme'] })).toEqual([id])
      expect(await ids({ label: ['tier=web'] })).toEqual([id])
      expect(await ids({ label: ['tier=db'] })).toEqual([])
      expect(await ids({ status: ['exited'] }, true)).toEqual([])
      await engine.containers.rename(id, 'renamed')
      expect((await engine.containers.inspect('renamed')).Name).toBe('/renamed')
    })

    it('tells with a list what it tells of each container, or takes no notice of being asked', async () => {
      const id = await start({ ...idle, HostConfig: { Memory: 64 * 1024 * 1024 } })
      const [line] = await engine.containers.list({ details: true, filters: { id: [id] } })
      expect([undefined, listedDetails(await engine.containers.inspect(id))]).toContainEqual(line?.Details)
    })

    it('executes a command inside, with input, output and exit code', async () => {
      const id = await start(idle)
      expect(await exec(id, ['sh', '-c', 'echo hi; echo no >&2; exit 5'])).toEqual({
        text: expect.stringMatching(/^(stdout: hi\nstderr: no\n|stderr: no\nstdout: hi\n)$/),
        code: 5,
      })
      expect(await exec(id, ['cat'], { input: 'through stdin' })).toEqual({ text: 'stdout: through stdin', code: 0 })
      const { Id } = await engine.exec.create(id, { Cmd: ['touch', '/tmp/left-alone'] })
      expect(await engine.exec.start(Id, { detach: true, tty: false })).toBeUndefined()
      await until(async () => (await exec(id, ['test', '-e', '/tmp/left-alone'])).code === 0)
    })

    it('refuses to execute in what does not run', async () => {
      const id = await create(idle)
      await expect(engine.exec.create(id, { Cmd: ['true'] })).rejects.toMatchObject({ status: 409 })
      await expect(engine.exec.inspect('nothing')).rejects.toMatchObject({ status: 404 })
    })

    it('talks to an attached process until its input ends', async () => {
      const id = await create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true })
      const attached = await engine.containers.attach(id, {
        stdin: true,
        stdout: true,
        stderr: true,
        logs: false,
        stream: true,
      })
      await engine.containers.start(id)
      attached.stream.end('to and fro\n')
      expect(await read(attached)).toBe('stdout: to and fro\n')
      expect(await engine.containers.wait(id, { condition: 'not-running' }, soon())).toMatchObject({ StatusCode: 0 })
    })

    it('pauses, restarts and lists processes', async () => {
      const id = await start(idle)
      await engine.containers.pause(id)
      expect((await engine.containers.inspect(id)).State).toMatchObject({ Status: 'paused', Paused: true })
      await engine.containers.unpause(id)
      const { Titles, Processes } = await engine.containers.top(id)
      expect(Titles).toContain('PID')
      expect(Processes.flat()).toContainEqual(expect.stringContaining('sleep 1000'))
      const before = (await engine.containers.inspect(id)).State.Pid
      await engine.containers.restart(id, { timeoutMs: 1_000 })
      const after = (await engine.containers.inspect(id)).State
      expect(after.Running).toBe(true)
      expect(after.Pid).not.toBe(before)
    })

    it('removes a container by itself when asked to, and tells those who wait for that', async () => {
      const id = await create({ Cmd: ['true'], HostConfig: { AutoRemove: true } })
      const removed = engine.containers.wait(id, { condition: 'removed' }, soon())
      await engine.containers.start(id)
      expect(await removed).toMatchObject({ StatusCode: 0 })
      await expect(engine.containers.inspect(id)).rejects.toMatchObject({ status: 404 })
    })

    it('tells the life of a container as events', async () => {
      const sinceMs = Date.now() - 1_000
      const id = await start({ Cmd: ['true'] }, 'eventful')
      await engine.containers.wait(id, { condition: 'not-running' }, soon())
      await engine.containers.remove(id, {})
      const seen: EngineEvent[] = []
      const filters = { container: [id] }
      for await (const event of engine.events({ sinceMs, filters }, soon())) {
        seen.push(event)
        if (event.Action === 'destroy') break
      }
      const actions = seen
        .map(({ Action }) => Action)
        .filter(action => ['create', 'start', 'die', 'destroy'].includes(action))
      expect(actions).toEqual(['create', 'start', 'die', 'destroy'])
      const died = seen.find(({ Action }) => Action === 'die')
      expect(died?.Actor).toMatchObject({ ID: id, Attributes: { name: 'eventful', exitCode: '0', image: IMAGE } })
    })

    it('keeps volumes, fills fresh ones from the image, and protects those in use', async () => {
      const HostConfig = { Binds: ['contract-data:/srv'] }
      const { code } = await run({ Cmd: ['sh', '-c', 'grep -q image /srv/page && echo kept > /srv/page'], HostConfig })
      expect(code).toBe(0)
      const { id } = await run({ Cmd: ['cat', '/srv/page'], HostConfig })
      expect(await output(id)).toBe('stdout: kept\n')
      await expect(engine.volumes.remove('contract-data', {})).rejects.toMatchObject({
        status: 409,
        message: expect.stringContaining('volume is in use'),
      })
      for (const { Id } of await engine.containers.list({ all: true }))
        await engine.containers.remove(Id, { volumes: true })
      expect((await engine.volumes.list({})).map(({ Name }) => Name)).toContain('contract-data')
      await engine.volumes.remove('contract-data', {})
      await expect(engine.volumes.inspect('contract-data')).rejects.toMatchObject({ status: 404 })
    })

    it('keeps a volume as it was made, refuses options it does not have, and measures what it prunes', async () => {
      const label = { label: ['contract=prune'] }
      const made = await engine.volumes.create({ Name: 'contract-prune', Labels: { contract: 'prune' } })
      expect(await engine.volumes.create({ Name: 'contract-prune', Labels: { other: '1' } })).toEqual(made)
      await expect(engine.volumes.create({ Name: 'x!' })).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining('create x!: "x!" includes invalid characters for a local volume name'),
      })
      await expect(engine.volumes.create({ Name: 'contract-x', DriverOpts: { color: 'red' } })).rejects.toMatchObject({
        status: 400,
        message: 'create contract-x: invalid option: "color"',
      })
      expect(await engine.volumes.list({ filters: label })).toEqual([made])
      const { Name: nameless } = await engine.volumes.create({ Labels: { contract: 'nameless' } })
      const pruned = await engine.volumes.prune({ filters: { label: ['contract=nameless'] } })
      expect(pruned).toEqual({ VolumesDeleted: [nameless], SpaceReclaimed: 0 })
      await engine.volumes.remove('contract-prune', {})
    })

    it('has the networks that are always there, and says what cannot be done with networks', async () => {
      const builtin = await engine.networks.list({ filters: { type: ['builtin'], driver: ['host', 'null'] } })
      const described = builtin.map(({ Name, Driver, Scope }) => `${Name} ${Driver} ${Scope}`)
      expect(described.sort()).toEqual(['host host local', 'none null local'])
      expect(builtin.map(({ Containers }) => Containers)).toEqual([{}, {}])
      const id = await start(idle, 'lonely')
      const { Containers } = await engine.networks.inspect('none')
      expect(Containers[id]).toMatchObject({ Name: 'lonely', MacAddress: '', IPv4Address: '' })
      const { NetworkSettings } = await engine.containers.inspect(id)
      expect(NetworkSettings).toMatchObject({ IPAddress: '', Ports: {}, Networks: { none: { IPAddress: '' } } })
      const refusals: readonly (readonly [() => Promise<unknown>, number, string])[] = [
        [() => engine.networks.inspect('nowhere'), 404, 'network nowhere not found'],
        [() => engine.networks.remove('nowhere'), 404, 'network nowhere not found'],
        [() => engine.networks.remove('host'), 403, 'host is a pre-defined network and cannot be removed'],
        [() => engine.networks.create({ Name: 'none' }), 403, 'operation is not permitted on predefined none network '],
        [
          () => engine.networks.create({ Name: 'x', Driver: 'host' }),
          403,
          'only one instance of "host" network is allowed',
        ],
        [() => engine.networks.connect('nowhere', id, {}), 404, 'network nowhere not found'],
        [() => engine.networks.connect('host', 'nobody', {}), 404, 'No such container: nobody'],
        [
          () => engine.networks.connect('host', id, {}),
          400,
          'container cannot be disconnected from host network or connected to host network',
        ],
        [() => engine.networks.disconnect('host', id, {}), 500, `container ${id} is not connected to network host`],
        [() => engine.networks.list({ filters: { colour: ['red'] } }), 400, "Invalid filter 'colour'"],
        [() => engine.networks.prune({ filters: { colour: ['red'] } }), 400, "Invalid filter 'colour'"],
      ]
      for (const [refused, status, message] of refusals) {
        await expect(refused()).rejects.toMatchObject({ status, message: expect.stringContaining(message) })
      }
      expect(await engine.networks.prune({})).toEqual([])
    })

    it('notices when a container becomes healthy', async () => {
      const Healthcheck = { Test: ['CMD', 'true'], Interval: 200_000_000, StartPeriod: 0, Retries: 1 }
      const id = await start({ ...idle, Healthcheck })
      await until(async () => (await engine.containers.inspect(id)).State.Health?.Status === 'healthy')
    })

    imagesContract(() => engine, IMAGE)
    containerFilesContract(() => engine, IMAGE)
    networksContract(() => engine, IMAGE)

    it('describes itself', async () => {
      const info = await engine.info()
      expect(info).toMatchObject({ OSType: 'linux', NCPU: expect.any(Number), MemTotal: expect.any(Number) })
      expect(await engine.version()).toMatchObject({ Os: 'linux', ApiVersion: expect.stringMatching(/^1\.\d+$/) })
    })
  })
}

async function read({ stream }: AttachedStream): Promise<string> {
  const decoder = new FrameDecoder()
  let text = ''
  for await (const chunk of stream) {
    for (const frame of decoder.push(chunk as Buffer)) text += `${frame.stream}: ${frame.data.toString()}`
  }
  return text
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + 60_000
  while (!(await holds())) {
    if (systemClock.monotonicMs() > deadlineMs) throw new Error('it did not come true in time')
    await sleep(systemClock, 50)
  }
}
