import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { newHexId, systemRandom } from '../../../src/core/random.ts'
import type { BuildOptions, ContainerCreateRequest, LogChunk } from '../../../src/docker-api/index.ts'
import { type Builder, type BuilderPorts, createBuilder } from '../../../src/runtime/build/index.ts'
import type { ImageStore } from '../../../src/runtime/images/index.ts'
import { encodeHeader, plainFile, tarPadding } from '../../../src/runtime/images/tar/header-writer.ts'
import { entry, soon, streamOf, tar, Workshop } from '../images/support.ts'

interface Made {
  readonly request: ContainerCreateRequest
  readonly ended: PromiseWithResolvers<{ readonly code: number; readonly stdout: Buffer; readonly stderr: Buffer }>
}

/** Runs commands in the root of an image by chroot: all that RUN needs of an engine. */
export class ChrootContainers {
  readonly commands: string[] = []
  readonly #store: ImageStore
  readonly #made = new Map<string, Made>()

  constructor(store: ImageStore) {
    this.#store = store
  }

  operations(): ReturnType<BuilderPorts['containers']> {
    return {
      create: request => {
        const id = newHexId(systemRandom)
        this.#made.set(id, { request, ended: Promise.withResolvers() })
        return Promise.resolve({ Id: id, Warnings: [] })
      },
      list: () => Promise.resolve([]),
      start: async id => {
        const { request, ended } = this.#get(id)
        const { config } = await this.#store.roots.resolve(request.Image ?? '')
        const root = await this.#store.roots.mount(id, request.Image ?? '')
        const Env = [...(config.Env ?? []), ...(request.Env ?? [])]
        const env = Object.fromEntries(Env.map(it => [it.slice(0, it.indexOf('=')), it.slice(it.indexOf('=') + 1)]))
        const command = request.Cmd ?? []
        this.commands.push(command.join(' '))
        execFile('/usr/sbin/chroot', [root, ...command], { env, encoding: 'buffer' }, (error, stdout, stderr) =>
          ended.resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
        )
        return true
      },
      logs: id => this.#logs(id),
      wait: async id => ({ StatusCode: (await this.#get(id).ended.promise).code }),
      kill: () => Promise.resolve(),
      remove: id => this.#store.roots.remove(id),
    }
  }

  async *#logs(id: string): AsyncGenerator<LogChunk> {
    const { stdout, stderr } = await this.#get(id).ended.promise
    yield { stream: 'stdout', data: stdout, time: '' }
    yield { stream: 'stderr', data: stderr, time: '' }
  }

  #get(id: string): Made {
    const made = this.#made.get(id)
    if (made === undefined) throw new Error(`no container ${id}`)
    return made
  }
}

export const OPTIONS: BuildOptions = {
  tags: ['app:1'],
  dockerfile: 'Dockerfile',
  buildArgs: {},
  labels: {},
  noCache: false,
  pull: false,
}

/** Files of a context: text, or an entry of a tar as it is. */
export type Files = Readonly<Record<string, string | Buffer>>

/** When the files of a context were last changed, unless said otherwise. */
export const CONTEXT_SECONDS = 1_600_000_000

/** A file of a context that is not text. */
export function binary(name: string, content: Buffer): Buffer {
  return Buffer.concat([encodeHeader(plainFile(name, content.length)), content, tarPadding(content.length)])
}

export function contextOf(files: Files): Buffer {
  const entries = Object.entries(files).map(([name, content]) =>
    Buffer.isBuffer(content)
      ? content
      : entry(name, { content, mode: 0o644, uid: 1000, gid: 1000, mtimeSeconds: CONTEXT_SECONDS }),
  )
  return tar(...entries)
}

/** A builder over a store of its own, with an image `base` of busybox. */
export class BuildLab implements AsyncDisposable {
  readonly #shop = new Workshop()
  output = ''

  path(...parts: readonly string[]): string {
    return this.#shop.path(...parts)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#shop[Symbol.asyncDispose]()
  }

  readonly #opened: { store: ImageStore; containers: ChrootContainers; builder: Builder }[] = []

  get store(): ImageStore {
    return this.#last().store
  }

  get containers(): ChrootContainers {
    return this.#last().containers
  }

  get builder(): Builder {
    return this.#last().builder
  }

  /** Opens a store and a builder; what follows works on them. */
  async open(name: string): Promise<void> {
    const store = await this.#shop.store(name)
    const containers = new ChrootContainers(store)
    const base = this.path(`base-${name}`)
    for (const folder of ['usr/bin', 'etc']) mkdirSync(join(base, folder), { recursive: true })
    cpSync('/bin/busybox', join(base, 'usr/bin/busybox'))
    for (const applet of APPLETS) symlinkSync('busybox', join(base, 'usr/bin', applet))
    symlinkSync('usr/bin', join(base, 'bin'))
    writeFileSync(join(base, 'etc/passwd'), 'root:x:0:0::/:\napp:x:1000:1001::/:\n')
    writeFileSync(join(base, 'etc/group'), 'root:x:0:\nstaff:x:50:\n')
    await store.importRoot(base, { config: { Cmd: ['sh'], Env: ['PATH=/usr/bin'] }, tags: ['base'] })
    const builder = createBuilder({
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      dataRoot: this.path(name),
      store,
      containers: () => containers.operations(),
    })
    this.#opened.push({ store, containers, builder })
  }

  readonly build = (files: Files, change: Partial<BuildOptions> = {}): Promise<string> =>
    this.buildFrom(streamOf(contextOf(files)), change)

  buildFrom(context: Readable, change: Partial<BuildOptions> = {}): Promise<string> {
    this.output = ''
    const show = ({ stream = '' }): void => void (this.output += stream)
    return this.builder.build(context, { ...OPTIONS, ...change }, show, soon())
  }

  readonly rootOf = (id: string): Promise<string> =>
    this.store.roots.mount(`look-${id.slice(7, 19)}`, id, { bare: true })

  #last(): { store: ImageStore; containers: ChrootContainers; builder: Builder } {
    const last = this.#opened.at(-1)
    if (last === undefined) throw new Error('open a store first')
    return last
  }
}

const APPLETS = ['sh', 'cat', 'echo', 'rm', 'mkdir', 'ls', 'test', 'touch', 'true', 'date', 'chmod', 'stat']
