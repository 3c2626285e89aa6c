import type { Clock } from '../core/clock.ts'
import { conflict, failed, notFound, unsupported } from '../core/errors.ts'
import type { ContainerCreateRequest, ContainerOperations, Engine, EngineEvent } from '../docker-api/index.ts'
import { SimContainer } from './sim-container.ts'
import { ENGINE_INFO, inspectImage, inspectNetwork, inspectVolume } from './sim-records.ts'

export interface SimEngineEvents {
  readonly started: (container: SimContainer) => void
  readonly ended: (container: SimContainer) => void
}

/** One connection to an engine: `delay` takes the time of a call, for ever if the caller is dead. */
export interface EngineCaller {
  readonly delay: (maxMs: number) => Promise<void>
}

const CALL_MS = 15
const PULL_MS = 800
const STOP_MS = 400
const RESTART_MS = 1_000

/** The engine of a simulated host: containers are entries in a map, and outlive agents but not their host. */
export class SimEngine {
  readonly #clock: Clock
  readonly #host: string
  readonly #on: SimEngineEvents
  readonly #containers = new Map<string, SimContainer>()
  readonly #networks = new Set<string>()
  readonly #volumes = new Set<string>()
  readonly #images = new Set<string>()
  readonly #listeners = new Set<(event: EngineEvent) => void>()
  #count = 0

  constructor(host: string, clock: Clock, on: SimEngineEvents) {
    this.#host = host
    this.#clock = clock
    this.#on = on
  }

  containers(): SimContainer[] {
    return [...this.#containers.values()]
  }

  volumes(): string[] {
    return [...this.#volumes]
  }

  /** A container's process ends by itself; the restart policy decides what follows. */
  exit(container: SimContainer, exitCode: number): void {
    if (!container.running) return
    container.restarting = container.mayRestart(exitCode)
    this.#end(container, exitCode)
    if (!container.restarting) return
    this.#clock.setTimer(RESTART_MS, () => {
      if (!this.#containers.has(container.id) || !container.restarting) return
      container.restarts++
      this.#start(container)
    })
  }

  /** The host loses power: every process ends, and nobody is there to see it. */
  powerOff(): void {
    this.#listeners.clear()
    for (const container of this.#containers.values()) {
      container.restarting = false
      if (container.running) this.#end(container, 137)
    }
  }

  /** What one caller sees of this engine. */
  connect(caller: EngineCaller): Engine {
    return {
      info: async () => ({ ...ENGINE_INFO, ID: this.#host, Name: this.#host }),
      version: absent,
      events: (_options, signal) => this.#events(signal),
      containers: this.#containerOperations(caller),
      exec: { create: absent, start: absent, inspect: absent, resize: absent },
      images: {
        inspect: async name => (this.#images.has(name) ? inspectImage(name) : missing(`No such image: ${name}`)),
        pull: async name => {
          await caller.delay(PULL_MS)
          this.#images.add(name)
          return name
        },
        push: absent,
        list: absent,
        tag: absent,
        remove: absent,
        save: absent,
        load: absent,
        history: absent,
        prune: absent,
        import: absent,
        search: absent,
        distribution: absent,
        login: absent,
        build: absent,
        pruneBuildCache: absent,
      },
      networks: {
        create: async ({ Name }) => {
          await caller.delay(CALL_MS)
          this.#networks.add(Name)
          return { Id: Name, Warning: '' }
        },
        list: async () => [...this.#networks].map(inspectNetwork),
        inspect: async id => (this.#networks.has(id) ? inspectNetwork(id) : missing(`No such network: ${id}`)),
        remove: async id => void this.#networks.delete(id),
        connect: absent,
        disconnect: absent,
        prune: absent,
      },
      volumes: {
        create: async ({ Name = '' }) => {
          await caller.delay(CALL_MS)
          this.#volumes.add(Name)
          return inspectVolume(Name)
        },
        list: async () => [...this.#volumes].map(inspectVolume),
        inspect: async name => (this.#volumes.has(name) ? inspectVolume(name) : missing(`No such volume: ${name}`)),
        remove: async name => {
          await caller.delay(CALL_MS)
          const user = this.containers().find(container => container.volumes.includes(name))
          if (user !== undefined) throw conflict('VOLUME_IN_USE', `Volume ${name} is in use by ${user.name}`)
          this.#volumes.delete(name)
        },
        prune: absent,
      },
    }
  }

  #containerOperations(caller: EngineCaller): ContainerOperations {
    return {
      create: async (request, { name = 'unnamed' }) => {
        await caller.delay(CALL_MS)
        return { Id: this.#create(request, name).id, Warnings: [] }
      },
      list: async ({ filters }) => {
        const labels = filters?.['label'] ?? []
        const fits = this.containers().filter(({ request }) => labels.every(label => label in (request.Labels ?? {})))
        return fits.map(container => container.summary())
      },
      inspect: async id => {
        await caller.delay(2)
        return this.#find(id).inspect()
      },
      start: async id => {
        await caller.delay(CALL_MS)
        const container = this.#find(id)
        if (container.running) return false
        this.#claimPorts(container)
        this.#start(container)
        return true
      },
      stop: async id => {
        this.#find(id).stoppedByHand = true
        await caller.delay(CALL_MS + STOP_MS)
        const container = this.#find(id)
        container.restarting = false
        if (!container.running) return false
        this.#end(container, 143)
        return true
      },
      remove: async id => {
        await caller.delay(CALL_MS)
        const container = this.#find(id)
        if (container.running) this.#end(container, 137)
        this.#containers.delete(container.id)
        this.#emit(container, 'destroy')
      },
      rename: async (id, name) => {
        await caller.delay(CALL_MS)
        this.#find(id).name = name
      },
      kill: absent,
      restart: absent,
      pause: absent,
      unpause: absent,
      wait: absent,
      stats: () => {
        throw unsupported('SIMULATED', 'A simulated engine has no stats')
      },
      logs: () => {
        throw unsupported('SIMULATED', 'A simulated engine has no logs')
      },
      attach: absent,
      resize: absent,
      top: absent,
      update: absent,
      prune: absent,
      statPath: absent,
      readArchive: absent,
      writeArchive: absent,
      changes: absent,
      export: absent,
      commit: absent,
    }
  }

  #create(request: ContainerCreateRequest, name: string): SimContainer {
    const taken = this.containers().find(other => other.name === name)
    if (taken !== undefined) throw conflict('NAME_TAKEN', `Conflict. The container name "/${name}" is in use`)
    if (!this.#images.has(request.Image ?? '')) throw notFound('NO_IMAGE', `No such image: ${request.Image}`)
    const id = `${this.#host}-c${++this.#count}`
    const container = new SimContainer({ id, host: this.#host, request, createdMs: this.#clock.nowMs() }, name)
    this.#containers.set(id, container)
    this.#emit(container, 'create')
    return container
  }

  #find(nameOrId: string): SimContainer {
    const found = this.#containers.get(nameOrId) ?? this.containers().find(({ name }) => name === nameOrId)
    if (found === undefined) throw notFound('NO_CONTAINER', `No such container: ${nameOrId}`)
    return found
  }

  #claimPorts(container: SimContainer): void {
    const others = this.containers().filter(other => other !== container && (other.running || other.restarting))
    const taken = container.hostPorts.find(port => others.some(other => other.hostPorts.includes(port)))
    if (taken !== undefined) throw failed('PORT_TAKEN', `Port ${taken} is already allocated`)
  }

  #start(container: SimContainer): void {
    container.start(this.#clock.nowMs())
    this.#on.started(container)
    this.#emit(container, 'start')
  }

  #end(container: SimContainer, exitCode: number): void {
    container.end(exitCode, this.#clock.nowMs())
    this.#on.ended(container)
    this.#emit(container, 'die')
  }

  #emit({ id, name, request }: SimContainer, action: string): void {
    const seconds = Math.floor(this.#clock.nowMs() / 1_000)
    const Actor = { ID: id, Attributes: { name, ...request.Labels } }
    for (const listener of this.#listeners) {
      listener({ Type: 'container', Action: action, Actor, scope: 'local', time: seconds, timeNano: seconds * 1e9 })
    }
  }

  async *#events(signal: AbortSignal): AsyncGenerator<EngineEvent> {
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
        wake = Promise.withResolvers<void>()
        for (let event = queue.shift(); event !== undefined; event = queue.shift()) yield event
        if (!signal.aborted) await wake.promise
      }
    } finally {
      this.#listeners.delete(listener)
    }
  }
}

async function missing(message: string): Promise<never> {
  throw notFound('SIMULATED', message)
}

async function absent(): Promise<never> {
  throw unsupported('SIMULATED', 'A simulated engine does not do that')
}
