import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { sleep, systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { Scope } from '../../../src/core/scope.ts'
import type { ImageStoreOptions } from '../../../src/runtime/images/contract.ts'
import { createImageStore, type ImageStore, type ImageStorePorts } from '../../../src/runtime/images/index.ts'
import type { TarEntry } from '../../../src/runtime/images/tar/header.ts'
import { encodeHeader, plainFile, TAR_END, tarPadding } from '../../../src/runtime/images/tar/header-writer.ts'

export const isRoot = process.getuid?.() === 0
export const soon = (): AbortSignal => AbortSignal.timeout(60_000)

/** A directory and whatever else a test opens, gone at its end. */
export class Workshop extends Scope {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'shoal-images-'))

  constructor() {
    super()
    this.defer(() => rmSync(this.directory, { recursive: true, force: true }))
  }

  /** Opens a store; the roots mounted in it are removed at the end. */
  async store(
    name: string,
    { options: change, ...ports }: Partial<ImageStorePorts> & { readonly options?: Partial<ImageStoreOptions> } = {},
  ): Promise<ImageStore> {
    const options = { dataRoot: join(this.directory, name), insecureRegistries: [], registryMirrors: [], ...change }
    const store = await createImageStore(options, {
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      ...ports,
    })
    this.defer(async () => {
      store.close()
      for (const id of await store.roots.list()) await store.roots.remove(id)
    })
    return store
  }

  /** A disk of so many megabytes; resolves with the path of its directory. */
  smallDisk(name: string, megabytes: number): string {
    const directory = this.path(name)
    mkdirSync(directory)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', directory])
    this.defer(() => void execFileSync('umount', ['-l', directory]))
    return directory
  }

  path(...parts: readonly string[]): string {
    return join(this.directory, ...parts)
  }

  /** Starts a real registry; resolves with its `host:port`. */
  async registry(): Promise<string> {
    const port = await freePort()
    const config = this.path(`registry-${port}.yml`)
    const storage = `storage: {filesystem: {rootdirectory: ${this.path(`registry-${port}`)}}}`
    writeFileSync(
      config,
      `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n${storage}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
    )
    const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' })
    this.defer(() => ended(child))
    await until(async () => (await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined))?.ok === true)
    return `127.0.0.1:${port}`
  }

  async fakeRegistry(): Promise<FakeRegistry> {
    const registry = new FakeRegistry()
    await registry.listen()
    this.defer(() => registry.close())
    return registry
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

export async function until(holds: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
  const deadline = systemClock.monotonicMs() + timeoutMs
  while (!(await holds())) {
    if (systemClock.monotonicMs() > deadline) throw new Error('it did not come true in time')
    await sleep(systemClock, 20)
  }
}

export function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createTcpServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

export function skopeo(...args: readonly string[]): string {
  return execFileSync('skopeo', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
}

/** An entry of a tar made by hand, honest or not. */
export function entry(name: string, fields: Partial<TarEntry> & { readonly content?: string } = {}): Buffer {
  const { content = '', ...rest } = fields
  const header = encodeHeader({ ...plainFile(name, Buffer.byteLength(content)), ...rest })
  return Buffer.concat([header, Buffer.from(content), tarPadding(Buffer.byteLength(content))])
}

export function tar(...entries: readonly Buffer[]): Buffer {
  return Buffer.concat([...entries, TAR_END])
}

export function streamOf(bytes: Buffer): Readable {
  return Readable.from([bytes], { objectMode: false })
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const HOST_ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch

export function jsonOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

export function descriptorOf(body: Buffer, mediaType: string) {
  return { mediaType, digest: digestOf(body), size: body.length }
}

/** What is otherwise than in an honest image. */
export interface PublishChange {
  readonly diffIds?: unknown
  readonly layers?: unknown
  readonly config?: object
  readonly manifest?: object
  readonly tag?: string
  readonly pack?: (layer: Buffer) => Buffer
}

export interface Answer {
  readonly body: Buffer
  readonly type?: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Serve only so many bytes, then break the connection off. */
  readonly cutAfter?: number
  /** Send this many bytes every few milliseconds. */
  readonly slowBytes?: number
}

/** A registry whose every answer a test decides, with byte ranges. */
export class FakeRegistry {
  readonly answers = new Map<string, Answer>()
  /** Asked for each request; an answer is sent instead of what was asked for. */
  guard: (
    path: string,
    authorization: string | undefined,
  ) => { status: number; challenge?: string; body?: string } | undefined = () => undefined
  readonly requests: {
    readonly method: string
    readonly path: string
    readonly range?: string
    readonly authorization?: string
  }[] = []
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response))

  listen(): Promise<void> {
    return new Promise(resolve => this.#server.listen(0, '127.0.0.1', resolve))
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Publishes an image of the given layers (uncompressed tars); resolves with its name. */
  publish(repository: string, layers: readonly Buffer[], change: PublishChange = {}): string {
    const packed = layers.map(layer => (change.pack ?? gzipSync)(layer))
    const config = jsonOf({
      os: 'linux',
      architecture: HOST_ARCHITECTURE,
      config: { Cmd: ['/bin/true'] },
      rootfs: { type: 'layers', diff_ids: change.diffIds ?? layers.map(digestOf) },
      ...change.config,
    })
    const manifest = jsonOf({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: descriptorOf(config, 'application/vnd.oci.image.config.v1+json'),
      layers: change.layers ?? packed.map(body => descriptorOf(body, 'application/vnd.oci.image.layer.v1.tar+gzip')),
      ...change.manifest,
    })
    for (const body of [...packed, config]) this.answers.set(`/v2/${repository}/blobs/${digestOf(body)}`, { body })
    return this.serveManifest(repository, manifest, change.tag)
  }

  /** Publishes an index of images that were published before; resolves with its name. */
  publishIndex(repository: string, entries: readonly object[], tag = '1'): string {
    const index = jsonOf({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries })
    return this.serveManifest(repository, index, tag, OCI_INDEX)
  }

  /** Serves bytes as a manifest under a tag and under their digest. */
  serveManifest(repository: string, body: Buffer, tag = '1', type = OCI_MANIFEST): string {
    const answer = { body, type }
    this.answers.set(`/v2/${repository}/manifests/${tag}`, answer)
    this.answers.set(`/v2/${repository}/manifests/${digestOf(body)}`, answer)
    return `${this.host}/${repository}:${tag}`
  }

  /** What an index says of an image that was published. */
  entryOf(repository: string, platform: object, tag = '1'): object {
    const { body } = this.answers.get(`/v2/${repository}/manifests/${tag}`) ?? { body: Buffer.alloc(0) }
    return { ...descriptorOf(body, OCI_MANIFEST), platform }
  }

  /** Path of the answer for the blob of a layer. */
  layerPath(repository: string, layer: Buffer): string {
    return `/v2/${repository}/blobs/${digestOf(gzipSync(layer))}`
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const { range, authorization } = headers
    this.requests.push({
      method,
      path: url,
      ...(range === undefined ? {} : { range }),
      ...(authorization === undefined ? {} : { authorization }),
    })
    const guarded = this.guard(url, headers.authorization)
    if (guarded !== undefined) {
      response.statusCode = guarded.status
      if (guarded.challenge !== undefined) response.setHeader('www-authenticate', guarded.challenge)
      return void response.end(guarded.body ?? '{"errors":[{"code":"DENIED","message":"requested access is denied"}]}')
    }
    if (url === '/v2/') return void response.end('{}')
    const answer = this.answers.get(url)
    if (answer === undefined) {
      response.statusCode = 404
      return void response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
    }
    await serveRange(answer, headers.range, response)
  }
}

async function serveRange(answer: Answer, range: string | undefined, response: ServerResponse): Promise<void> {
  const from = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)
  const body = answer.body.subarray(from)
  response.statusCode = answer.status ?? (from > 0 ? 206 : 200)
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  if (from > 0) response.setHeader('content-range', `bytes ${from}-${answer.body.length - 1}/${answer.body.length}`)
  response.setHeader('content-type', answer.type ?? 'application/octet-stream')
  response.setHeader('content-length', body.length)
  await deliver(answer, body, response)
}

async function deliver(answer: Answer, body: Buffer, response: ServerResponse): Promise<void> {
  if (answer.cutAfter !== undefined) {
    await new Promise(resolve => response.write(body.subarray(0, answer.cutAfter), resolve))
    return void response.destroy()
  }
  const step = answer.slowBytes ?? body.length
  for (let at = 0; at < body.length && !response.destroyed; at += step) {
    response.write(body.subarray(at, at + step))
    if (answer.slowBytes !== undefined) await sleep(systemClock, 5)
  }
  response.end()
}

/** What lies in a store's own directories: nothing may be left there by something that failed. */
export function leftovers(workshop: Workshop, store: string): Readonly<Record<string, readonly string[]>> {
  const list = (name: string): readonly string[] => readdirSync(workshop.path(store, 'images', name)).sort()
  return {
    layers: list('layers'),
    layerRecords: list('layer-records'),
    imageRecords: list('image-records'),
    scratch: list('scratch'),
  }
}

export const NOTHING = { layers: [], layerRecords: [], imageRecords: [], scratch: [] }
