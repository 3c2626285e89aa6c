import { Duplex } from 'node:stream'
import type { Clock } from '../../src/core/clock.ts'
import { conflict, notFound, unsupported } from '../../src/core/errors.ts'
import {
  type ContainerCreateRequest,
  type ContainerState,
  type ContainerStatus,
  type Engine,
  type EngineEvent,
  type ExecInspect,
  encodeFrame,
  type LogChunk,
  type NetworkInspect,
  type SystemInfo,
} from '../../src/docker-api/index.ts'
import { CREATED, type FakeContainer, hasLabel, inspectOf, NEVER, STARTING, summaryOf } from './fake-container.ts'

/** Work of the fake engine that a test makes fail: return an error to throw, or undefined. */
export type Fault = (call: string, subject: string) => Error | undefined

const INFO: SystemInfo = {
  ID: 'fake',
  Name: 'fake',
  ServerVersion: '1.0',
  Containers: 0,
  ContainersRunning: 0,
  ContainersPaused: 0,
  ContainersStopped: 0,
  Images: 0,
  Driver: 'overlay',
  DriverStatus: [],
  NCPU: 2,
  MemTotal: 4 * 1024 ** 3,
  OperatingSystem: 'Test',
  OSType: 'linux',
  Architecture: 'x86_64',
  KernelVersion: '6.0',
  DockerRootDir: '/nowhere',
  Labels: ['disk=ssd'],
  CgroupDriver: 'cgroupfs',
  CgroupVersion: '1',
  DefaultRuntime: 'fake',
  LoggingDriver: 'json-file',
  SystemTime: NEVER,
  ExperimentalBuild: false,
  Debug: false,
  Warnings: null,
}

/**
 * An engine that only remembers: containers run until a test ends them. It outlives agents, as a real one's containers
 * do, so that restarts of an agent can be tested against one FakeEngine.
 */
export class FakeEngine {
  readonly #clock: Clock
  readonly #containers = new Map<string, FakeContainer>()
  readonly #networks = new Map<string, NetworkInspect>()
  readonly #volumes = new Set<string>()
  readonly #images: Set<string>
  readonly #listeners = new Set<(event: EngineEvent) => void>()
  #count = 0
  fault: Fault = () => undefined
  /** Waited for in pull, create, start, stop and remove: lets a test hold a call. */
  pause: (call: string, subject: string) => Promise<void> = () => Promise.resolve()
  /** What a command that is run in a container comes to, each time that is asked; without a code: it still runs. */
  ran: (command: string) => { readonly code: number | null; readonly output: string } = () => ({ code: 0, output: '' })
  /** What containers have printed, by their names; logs of others cannot be read. */
  readonly printed = new Map<string, readonly LogChunk[]>()
  readonly #commands: string[] = []
  /** Every call that changes something, in order: `start web-1`. */
  readonly calls: string[] = []

  constructor(clock: Clock, images: readonly string[] = ['web:1']) {
    this.#clock = clock
    this.#images = new Set(images)
  }

  /** All containers, as `name status`. */
  get summary(): string[] {
    return [...this.#containers.values()].map(({ name, state }) => `${name} ${state.Status}`).toSorted()
  }

  find(nameOrId: string): FakeContainer {
    const found = this.#containers.get(nameOrId) ?? [...this.#containers.values()].find(({ name }) => name === nameOrId)
    if (found === undefined) throw notFound('NO_CONTAINER', `No such container: ${nameOrId}`)
    return found
  }

  /** Gives the engine an image. */
  add(reference: string): void {
    this.#images.add(reference)
  }

  /** Ends a container's process as if by itself. */
  exit(name: string, exitCode: number): void {
    const container = this.find(name)
    this.#set(container, 'exited', { ExitCode: exitCode, FinishedAt: this.#time(), Pid: 0 })
    this.#emit(container, 'die')
  }

  /** What the engine does under a restart policy. */
  restarted(name: string): void {
    const container = this.find(name)
    container.restarts++
    this.#set(container, 'running', { StartedAt: this.#time(), Pid: container.pid + 1 })
    this.#emit(container, 'start')
  }

  /** What the engine shows between two runs: no health. */
  restarting(name: string, exitCode = 0): void {
    const container = this.find(name)
    const { Health: _gone, ...state } = container.state
    container.state = { ...state, Status: 'restarting', Pid: 0, ExitCode: exitCode }
    this.#emit(container, 'die')
  }

  health(name: string, status: 'starting' | 'healthy' | 'unhealthy'): void {
    const container = this.find(name)
    container.state = { ...container.state, Health: { Status: status, FailingStreak: 0, Log: [] } }
    this.#emit(container, `health_status: ${status}`)
  }

  /** Removes a container behind the agent's back. */
  vanish(name: string): void {
    const container = this.find(name)
    this.#containers.delete(container.id)
    this.#emit(container, 'destroy')
  }

  readonly engine: Engine = {
    info: async () => {
      const error = this.fault('info', '')
      if (error !== undefined) throw error
      return INFO
    },
    version: () => Promise.reject(unsupported('FAKE', 'The fake engine has no version')),
    events: (_options, signal) => this.#events(signal),
    containers: {
      create: async (request, { name }) => {
        await this.#call('create', name ?? '')
        if (name !== undefined && [...this.#containers.values()].some(other => other.name === name)) {
          throw conflict('NAME_TAKEN', `Conflict. The container name "/${name}" is already in use`)
        }
        if (!this.#images.has(request.Image ?? '')) throw notFound('NO_IMAGE', `No such image: ${request.Image}`)
        return { Id: this.#make(request, name ?? 'unnamed').id, Warnings: [] }
      },
      list: ({ filters }) => {
        const { label: labels = [], id: ids } = filters ?? {}
        const fits = [...this.#containers.values()].filter(
          ({ id, request }) =>
            (ids === undefined || ids.includes(id)) && labels.every(label => hasLabel(request.Labels ?? {}, label)),
        )
        return Promise.resolve(fits.map(summaryOf))
      },
      inspect: async id => inspectOf(this.find(id)),
      start: async id => {
        const container = this.find(id)
        await this.#call('start', container.name)
        if (container.state.Running) return false
        const health = container.request.Healthcheck === undefined ? {} : { Health: STARTING }
        this.#set(container, 'running', { StartedAt: this.#time(), Pid: container.pid, ...health })
        this.#emit(container, 'start')
        return true
      },
      stop: async id => {
        const container = this.find(id)
        await this.#call('stop', container.name)
        if (!container.state.Running) return false
        this.exit(id, 143)
        return true
      },
      remove: async id => {
        const container = this.find(id)
        await this.#call('remove', container.name)
        this.#containers.delete(container.id)
        this.#emit(container, 'destroy')
      },
      rename: async (id, name) => {
        const container = this.find(id)
        await this.#call('rename', container.name)
        container.name = name
      },
      kill: missing,
      restart: missing,
      pause: missing,
      unpause: missing,
      wait: missing,
      stats: () => {
        throw unsupported('FAKE', 'The fake engine has no stats')
      },
      logs: id => this.#logs(id),
      attach: missing,
      resize: missing,
      top: missing,
      update: missing,
      prune: missing,
      statPath: missing,
      readArchive: missing,
      writeArchive: missing,
      changes: missing,
      export: missing,
      commit: missing,
    },
    exec: {
      create: async (id, { Cmd }) => {
        const { name, state } = this.find(id)
        if (!state.Running) throw conflict('NOT_RUNNING', `Container ${id} is not running`)
        const command = Cmd.join(' ')
        await this.#call('exec', `${name}: ${command}`)
        this.#commands.push(command)
        return { Id: `x${this.#commands.length - 1}` }
      },
      start: async id => {
        const { output } = this.ran(this.#command(id))
        return { stream: Duplex.from([encodeFrame('stderr', Buffer.from(output))]), tty: false }
      },
      inspect: async id => ({ ExitCode: this.ran(this.#command(id)).code }) as ExecInspect,
      resize: missing,
    },
    images: {
      pull: async reference => {
        await this.#call('pull', reference)
        this.#images.add(reference)
        return reference
      },
      inspect: reference =>
        this.#images.has(reference)
          ? Promise.resolve({ Id: reference } as never)
          : Promise.reject(notFound('NO_IMAGE', `No such image: ${reference}`)),
      push: missing,
      list: missing,
      tag: missing,
      remove: missing,
      save: missing,
      load: missing,
      history: missing,
      prune: missing,
      import: missing,
      search: missing,
      distribution: missing,
      login: missing,
      build: missing,
      pruneBuildCache: missing,
    },
    networks: {
      create: async ({ Name, Labels }) => {
        await this.#call('network', Name)
        this.#networks.set(Name, { Name, Id: Name, ...(Labels === undefined ? {} : { Labels }) } as NetworkInspect)
        return { Id: Name, Warning: '' }
      },
      list: () => Promise.resolve([...this.#networks.values()]),
      inspect: async id => {
        const found = this.#networks.get(id)
        if (found === undefined) throw notFound('NO_NETWORK', `No such network: ${id}`)
        return found
      },
      remove: missing,
      connect: missing,
      disconnect: missing,
      prune: missing,
    },
    volumes: {
      create: async ({ Name = '' }) => {
        await this.#call('volume', Name)
        this.#volumes.add(Name)
        return { Name } as never
      },
      list: missing,
      inspect: async name => {
        if (!this.#volumes.has(name)) throw notFound('NO_VOLUME', `get ${name}: no such volume`)
        return { Name: name } as never
      },
      remove: missing,
      prune: missing,
    },
  }

  async #call(call: string, subject: string): Promise<void> {
    this.calls.push(`${call} ${subject}`)
    await this.pause(call, subject)
    const error = this.fault(call, subject)
    if (error !== undefined) throw error
  }

  async *#logs(id: string): AsyncIterable<LogChunk> {
    const lines = this.printed.get(this.find(id).name)
    if (lines === undefined) throw unsupported('FAKE', 'configured logging driver does not support reading')
    yield* lines
  }

  #command(execId: string): string {
    return this.#commands[Number(execId.slice(1))] ?? ''
  }

  #make(request: ContainerCreateRequest, name: string): FakeContainer {
    const id = `c${++this.#count}`.padEnd(12, '0')
    const createdMs = this.#clock.nowMs()
    const container = { id, name, request, createdMs, state: CREATED, restarts: 0, pid: 1000 + this.#count }
    this.#containers.set(id, container)
    this.#emit(container, 'create')
    return container
  }

  #set(container: FakeContainer, status: ContainerStatus, change: Partial<ContainerState>): void {
    container.state = { ...container.state, ...change, Status: status, Running: status === 'running' }
  }

  #emit({ id, name, request }: FakeContainer, action: string): void {
    const attributes = { name, ...request.Labels }
    const event = { Type: 'container', Action: action, Actor: { ID: id, Attributes: attributes } } as const
    for (const listener of this.#listeners) listener({ ...event, scope: 'local', time: 0, timeNano: 0 })
  }

  async *#events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    const queue: EngineEvent[] = []
    let wake = Promise.withResolvers<void>()
    const listener = (event: EngineEvent): void => {
      queue.push(event)
      wake.resolve()
    }
    this.#listeners.add(listener)
    signal.addEventListener('abort', () => wake.resolve(), { once: true })
    try {
      while (!signal.aborted) {
        for (let event = queue.shift(); event !== undefined; event = queue.shift()) yield event
        await wake.promise
        wake = Promise.withResolvers<void>()
      }
    } finally {
      this.#listeners.delete(listener)
    }
  }

  #time(): string {
    return new Date(this.#clock.nowMs()).toISOString()
  }
}

function missing(): Promise<never> {
  return Promise.reject(unsupported('FAKE', 'The fake engine does not do that'))
}
