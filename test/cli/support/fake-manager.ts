import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ApplyResult, PlanStep, ProjectView, TaskView } from '../../../src/core/model/control-api.ts'
import type { ProjectSpec } from '../../../src/core/model/service.ts'
import { encodeFrame } from '../../../src/docker-api/index.ts'

/** What a task of the fake becomes each time somebody looks: the last entry stays. */
export type Life = readonly Partial<TaskView>[]

export interface FakeManager {
  readonly host: string
  /** `PUT /v1/projects/shop?dryRun=true`, in order. */
  readonly calls: string[]
  readonly projects: Map<string, ProjectView>
  /** How tasks of a service go; default: running at once. */
  readonly lives: Map<string, Life>
  /** Lines each container wrote, by its id. */
  readonly logs: Map<string, readonly string[]>
  /** Containers that are there no more, by id. */
  readonly gone: Set<string>
  /** Images that are there: ids by names. What is built gets a new id. */
  readonly images: Map<string, string>
  /** What was sent to `/build`, in bytes. */
  readonly builds: { readonly query: URLSearchParams; readonly bytes: number; readonly secrets: unknown }[]
  /** What `exec` was asked to run; it answers with what it is told, on stderr too, and code 7. */
  readonly execs: object[]
  /** What it answers of Docker's API besides: by `GET /containers/c-web-1/top`. A text is sent as it is. */
  readonly answers: Map<string, FakeAnswer>
  /** Bodies that were sent to those, as JSON. */
  readonly bodies: { readonly call: string; readonly body: unknown }[]
  readonly close: () => Promise<void>
}

export interface FakeAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export function taskView(service: string, slot: number, more: Partial<TaskView> = {}): TaskView {
  return {
    id: `t-${service}-${slot}`,
    name: `shop-${service}-${slot}`,
    project: 'shop',
    service,
    slot,
    image: `${service}:1`,
    command: 'serve',
    node: `n${slot}`,
    state: 'running',
    desired: 'running',
    health: 'none',
    containerId: `c-${service}-${slot}`,
    restarts: 0,
    ports: [],
    createdAtMs: 1_000,
    startedAtMs: 2_000,
    ...more,
  }
}

export function projectView(spec: ProjectSpec, tasks: readonly TaskView[]): ProjectView {
  return {
    spec,
    removing: false,
    tasks,
    services: spec.services.map(({ name, replicas }) => {
      const running = tasks.filter(task => task.service === name && task.state === 'running')
      const settled = running.filter(task => task.health === 'none' || task.health === 'healthy')
      return {
        name,
        wanted: replicas,
        running: running.length,
        healthy: settled.length,
        converged: settled.length >= replicas,
      }
    }),
  }
}

/** A manager that runs every task at once, unless it is told otherwise; on a port of its own. */
export async function startFakeManager(): Promise<FakeManager> {
  const state = {
    calls: [] as string[],
    projects: new Map<string, ProjectView>(),
    lives: new Map<string, Life>(),
    logs: new Map<string, readonly string[]>(),
    gone: new Set<string>(),
    images: new Map<string, string>(),
    builds: [] as { query: URLSearchParams; bytes: number; secrets: unknown }[],
    execs: [] as object[],
    answers: new Map<string, FakeAnswer>([
      ['GET /containers/json', { body: [] }],
      ['GET /version', { body: { Components: [{ Name: 'Shoal manager' }] } }],
    ]),
    bodies: [] as { call: string; body: unknown }[],
    looks: 0,
    execLooks: 0,
  }
  const server = createServer((request, response) => {
    // Asked by every command, of whatever it talks to.
    if (request.url !== '/version') state.calls.push(`${request.method ?? ''} ${request.url ?? ''}`)
    answer(request, response, state).catch((error: unknown) => {
      response.writeHead(500).end(JSON.stringify({ message: String(error) }))
    })
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    state.calls.push(`UPGRADE ${request.url ?? ''}`)
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
    socket.on('error', () => {})
    socket.on('end', () => socket.end(encodeFrame('stderr', Buffer.from('bye\n'))))
    request.resume()
    const echo = (data: Buffer): void => void socket.write(encodeFrame('stdout', data))
    if (head.length > 0) echo(head)
    socket.on('data', echo)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...state,
    host: `tcp://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

type State = Omit<FakeManager, 'host' | 'close'> & { looks: number; execLooks: number }

async function answer(request: IncomingMessage, response: ServerResponse, state: State): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://fake')
  const send = (status: number, body: unknown): void => void response.writeHead(status).end(JSON.stringify(body))
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const call = `${request.method ?? ''} ${decodeURIComponent(url.pathname)}`
  const known = state.answers.get(call)
  if (known !== undefined) return sendKnown(known, { call, body, response, state })
  const name = /^\/v1\/projects\/([^/]+)$/.exec(url.pathname)?.[1]
  const log = /^\/containers\/([^/]+)\/logs$/.exec(url.pathname)?.[1]
  if (url.pathname.includes('exec')) return exec(url.pathname, { body, state, send })
  const image = /^\/images\/(.+)\/json$/.exec(url.pathname)?.[1]
  if (url.pathname === '/v1/projects') return send(200, [...state.projects.values()].map(summary))
  if (name !== undefined) return project(name, { method: request.method ?? '', url, body, state, send })
  if (log !== undefined) return sendLog(log, { response, url, state, send })
  if (url.pathname.endsWith('/copies')) return send(200, { nodes: ['n1', 'n2'] })
  if (image !== undefined) return sendImage(decodeURIComponent(image), { state, send })
  if (url.pathname === '/build') return build(request, response, { url, body, state })
  send(404, { message: `page not found: ${url.pathname}`, code: 'NO_SUCH_PAGE' })
}

function sendKnown(
  { status = 200, headers = {}, body }: FakeAnswer,
  {
    call,
    body: sent,
    response,
    state,
  }: Pick<ProjectCall, 'body' | 'state'> & { readonly call: string; readonly response: ServerResponse },
): void {
  const isJson = sent.length > 0 && sent[0] === '{'.charCodeAt(0)
  state.bodies.push({ call, body: isJson ? JSON.parse(sent.toString()) : sent })
  response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** The id of the n-th image. */
export function imageId(n: number): string {
  return `sha256:${String(n).padStart(64, '0')}`
}

function build(
  { headers }: IncomingMessage,
  response: ServerResponse,
  { url, body, state }: Pick<ProjectCall, 'url' | 'body' | 'state'>,
): void {
  state.builds.push({ query: url.searchParams, bytes: body.length, secrets: headers['x-build-secrets'] })
  response.write(`${JSON.stringify({ stream: 'Step 1/1 : FROM base\n' })}\n`)
  if (body.includes('FAIL')) return void response.end(JSON.stringify({ error: 'no such base' }))
  const id = imageId(state.builds.length)
  for (const tag of url.searchParams.getAll('t')) state.images.set(tag, id)
  response.end(JSON.stringify({ aux: { ID: id } }))
}

function sendImage(name: string, { state, send }: Pick<ProjectCall, 'state' | 'send'>): void {
  const id = [...state.images].find(pair => pair.includes(name))?.[1]
  if (id === undefined) send(404, { message: `No such image: ${name}` })
  else send(200, { Id: id })
}

function exec(path: string, { body, state, send }: Pick<ProjectCall, 'body' | 'state' | 'send'>): void {
  // As where its streams have ended before it has.
  if (path === '/exec/e1/json') return send(200, { ID: 'e1', ExitCode: state.execLooks++ === 0 ? null : 7 })
  state.execs.push(JSON.parse(body.toString()) as object)
  send(201, { Id: 'e1' })
}

interface ProjectCall {
  readonly method: string
  readonly url: URL
  readonly body: Buffer
  readonly state: State
  readonly send: (status: number, body: unknown) => void
}

function project(name: string, { method, url, body, state, send }: ProjectCall): void {
  const known = state.projects.get(name)
  const isDry = url.searchParams.get('dryRun') === 'true'
  if (method === 'PUT') {
    const spec = JSON.parse(body.toString()) as ProjectSpec
    if (!isDry) state.projects.set(name, projectView(spec, tasksOf(spec)))
    return send(200, applyResult(spec, known?.spec))
  }
  if (known === undefined) return send(404, { message: `No such project: ${name}`, code: 'NO_SUCH_PROJECT' })
  if (method === 'DELETE') {
    if (!isDry) state.projects.delete(name)
    const steps = known.spec.services.map(
      (service): PlanStep => ({ action: 'remove', kind: 'service', name: service.name }),
    )
    return send(200, { project: name, changed: true, steps } satisfies ApplyResult)
  }
  const tasks = known.tasks.map(task => ({ ...task, ...lifeAt(state, task.service) }))
  state.looks++
  send(200, projectView(known.spec, tasks))
}

function lifeAt(state: State, service: string): Partial<TaskView> {
  const life = state.lives.get(service) ?? []
  return life[Math.min(state.looks, life.length - 1)] ?? {}
}

function tasksOf(spec: ProjectSpec): TaskView[] {
  return spec.services.flatMap(service =>
    Array.from({ length: service.replicas }, (_, index) => taskView(service.name, index + 1)),
  )
}

function applyResult(spec: ProjectSpec, before: ProjectSpec | undefined): ApplyResult {
  const steps = spec.services.map((service): PlanStep => {
    const old = before?.services.find(({ name }) => name === service.name)
    if (old === undefined) return { action: 'create', kind: 'service', name: service.name }
    const isSame = JSON.stringify(old) === JSON.stringify(service)
    return isSame
      ? { action: 'keep', kind: 'service', name: service.name }
      : { action: 'update', kind: 'service', name: service.name, because: ['image'] }
  })
  return { project: spec.name, changed: steps.some(({ action }) => action !== 'keep'), steps }
}

function summary({ spec, services }: ProjectView): object {
  const sum = (pick: 'wanted' | 'running'): number => services.reduce((total, service) => total + service[pick], 0)
  const converged = services.every(service => service.converged)
  return {
    name: spec.name,
    services: services.length,
    wanted: sum('wanted'),
    running: sum('running'),
    converged,
    removing: false,
    configFiles: spec.configFiles,
  }
}

interface LogCall extends Pick<ProjectCall, 'url' | 'state' | 'send'> {
  readonly response: ServerResponse
}

function sendLog(id: string, { response, url, state, send }: LogCall): void {
  if (state.gone.has(id)) return send(404, { message: `No such container: ${id}` })
  const lines = state.logs.get(id) ?? []
  const tail = url.searchParams.get('tail')
  const shown = tail === null ? lines : lines.slice(Math.max(0, lines.length - Number(tail)))
  response.writeHead(200, { 'content-type': 'application/vnd.docker.multiplexed-stream' })
  for (const line of shown)
    response.write(encodeFrame(line.includes('ERR') ? 'stderr' : 'stdout', Buffer.from(`${line}\n`)))
  response.end()
}
