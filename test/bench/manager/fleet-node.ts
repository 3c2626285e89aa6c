import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listedDetails } from '../../../src/docker-api/index.ts'

interface Box {
  readonly id: string
  readonly name: string
  readonly createdMs: number
  readonly labels: Readonly<Record<string, string>>
  readonly image: string
  startedMs: number
}

const NEVER = '0001-01-01T00:00:00Z'

/** A node whose engine costs nothing: it answers as Docker's does, and there is nothing behind it. */
export class FleetNode {
  readonly #name: string
  readonly #index: number
  readonly #boxes = new Map<string, Box>()
  readonly #followers = new Set<ServerResponse>()
  readonly #isAgent: boolean

  /** `isAgent`: it is an engine of ours, and not Docker's. */
  constructor(index: number, containers: number, isAgent: boolean) {
    this.#isAgent = isAgent
    this.#index = index
    this.#name = `node-${String(index).padStart(4, '0')}`
    for (let box = 0; box < containers; box++)
      this.#make({ Image: 'app:1', Labels: { app: `app${box % 7}` } }, undefined, 60_000)
  }

  answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const url = new URL(request.url ?? '/', 'http://node')
    const path = url.pathname.replace(/^\/v\d+\.\d+/, '')
    const [, kind = '', id = '', verb = ''] = path.split('/')
    const send = (status: number, value: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (kind === 'events') return this.#follow(response)
    if (kind !== 'containers') {
      const said = this.#tellOfItself(kind)
      return said === undefined ? send(404, { message: 'page not found' }) : send(200, said)
    }
    if (id === 'json') return send(200, this.#list(this.#isAgent && url.searchParams.has('shoal-details')))
    if (id === 'create') {
      const box = this.#make(JSON.parse(body) as object, url.searchParams.get('name') ?? undefined, 0)
      this.#tell('create', box)
      return send(201, { Id: box.id, Warnings: [] })
    }
    const box = this.#boxes.get(id)
    if (box === undefined) return send(404, { message: `No such container: ${id}` })
    if (verb === 'json') return send(200, this.#inspect(box))
    this.#change(request.method === 'DELETE' ? 'remove' : verb, box)
    response.writeHead(204).end()
  }

  #tellOfItself(kind: string): object | undefined {
    if (kind === 'info') return this.info()
    if (kind === 'version') return { Version: '20.10.24', ApiVersion: '1.41' }
    const image = { Id: 'sha256:app', RepoTags: ['app:1'], RepoDigests: [], Created: 1, Size: 1 }
    return kind === 'images' ? [image] : undefined
  }

  #list(isDetailed: boolean): object[] {
    return [...this.#boxes.values()].map(box => ({
      ...this.#summary(box),
      ...(isDetailed ? { Details: listedDetails(this.#inspect(box)) } : {}),
    }))
  }

  #change(verb: string, box: Box): void {
    if (verb === 'remove') {
      this.#boxes.delete(box.id)
      this.#tell('destroy', box)
    } else if (verb === 'start') {
      box.startedMs = Date.now()
      this.#tell('start', box)
    }
  }

  #make(request: { Image?: string; Labels?: Record<string, string> }, name: string | undefined, ageMs: number): Box {
    const id = randomBytes(32).toString('hex')
    const nowMs = Date.now()
    const box: Box = {
      id,
      name: name ?? `box_${id.slice(0, 8)}`,
      createdMs: nowMs - ageMs,
      labels: request.Labels ?? {},
      image: request.Image ?? 'app:1',
      startedMs: ageMs === 0 ? 0 : nowMs - ageMs,
    }
    this.#boxes.set(id, box)
    return box
  }

  #follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    this.#followers.add(response)
    response.on('close', () => this.#followers.delete(response))
  }

  #tell(Action: string, box: Box): void {
    const nowMs = Date.now()
    const Actor = { ID: box.id, Attributes: { name: box.name, image: box.image, ...box.labels } }
    const event = {
      Type: 'container',
      Action,
      Actor,
      scope: 'local',
      time: Math.floor(nowMs / 1_000),
      timeNano: nowMs * 1e6,
    }
    for (const follower of this.#followers) follower.write(`${JSON.stringify(event)}\n`)
  }

  #summary(box: Box): object {
    const isUp = box.startedMs > 0
    return {
      Id: box.id,
      Names: [`/${box.name}`],
      Image: box.image,
      ImageID: 'sha256:app',
      Command: 'serve --port 80',
      Created: Math.floor(box.createdMs / 1_000),
      Ports: [],
      Labels: box.labels,
      State: isUp ? 'running' : 'created',
      Status: isUp ? 'Up About a minute' : 'Created',
      HostConfig: { NetworkMode: 'default' },
      NetworkSettings: { Networks: NETWORKS },
      Mounts: [],
    }
  }

  #inspect(box: Box) {
    const isUp = box.startedMs > 0
    return {
      Id: box.id,
      Created: new Date(box.createdMs).toISOString(),
      Path: 'serve',
      Args: ['--port', '80'],
      State: {
        Status: isUp ? ('running' as const) : ('created' as const),
        Running: isUp,
        ExitCode: 0,
        StartedAt: isUp ? new Date(box.startedMs).toISOString() : NEVER,
        FinishedAt: NEVER,
      },
      Image: 'sha256:app',
      Name: `/${box.name}`,
      HostConfig: { NetworkMode: 'default', NanoCpus: 0, Memory: 0, PortBindings: {} },
      Config: { Image: box.image, Labels: box.labels, Env: ENV, ExposedPorts: {} },
      Mounts: [],
      NetworkSettings: { Ports: {}, Networks: NETWORKS },
    }
  }

  /** As `GET /info` tells it. */
  info() {
    return {
      ID: `ID:${this.#index}`,
      Name: this.#name,
      NCPU: 64,
      MemTotal: 256 * 1024 ** 3,
      OSType: 'linux',
      Architecture: 'x86_64',
      KernelVersion: '6.1',
      OperatingSystem: 'Simulated',
      ServerVersion: '20.10.24',
      Driver: 'overlay2',
      SystemTime: new Date().toISOString(),
      Labels: [`rack=r${this.#index % 20}`],
      Containers: this.#boxes.size,
      ContainersRunning: this.#boxes.size,
      ContainersPaused: 0,
      ContainersStopped: 0,
      Images: 1,
    }
  }
}

const ENV = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8']
const NETWORKS = {
  bridge: {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    NetworkID: 'b'.repeat(64),
    EndpointID: 'e'.repeat(64),
    Gateway: '172.17.0.1',
    IPAddress: '172.17.0.2',
    IPPrefixLen: 16,
    MacAddress: '02:42:ac:11:00:02',
  },
}
