import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { Scope } from '../../../src/core/scope.ts'
import type { ContainerInspect, HostConfig } from '../../../src/docker-api/index.ts'
import { createImageStore } from '../../../src/runtime/images/index.ts'
import { createEngine, type EmbeddedEngine, type EngineOptions } from '../../../src/runtime/index.ts'

export const isRoot = process.getuid?.() === 0
export const soon = (): AbortSignal => AbortSignal.timeout(90_000)

const APPLETS = [
  'sh',
  'sleep',
  'cat',
  'ls',
  'id',
  'env',
  'true',
  'false',
  'mount',
  'umount',
  'hostname',
  'ps',
  'kill',
  'stty',
  'unshare',
  'dd',
  'tail',
  'head',
  'grep',
  'touch',
  'mknod',
  'ulimit',
  'wget',
  'httpd',
  'ip',
  'nslookup',
]

/** An engine of its own in a directory of its own, without a default bridge, and everything removed at the end. */
export class Dock extends Scope {
  readonly directory = mkdtempSync(join(tmpdir(), 'shoal-containers-'))
  readonly options: EngineOptions
  #engine: EmbeddedEngine | undefined

  constructor(options: Partial<EngineOptions> = {}) {
    super()
    this.options = {
      name: `test-${this.directory.slice(-6)}`,
      dataRoot: join(this.directory, 'data'),
      execRoot: join(this.directory, 'run'),
      bridge: 'none',
      cgroupParent: `/shoal-test-${this.directory.slice(-6)}`,
      insecureRegistries: [],
      registryMirrors: [],
      labels: [],
      manageFirewall: false,
      ...options,
    }
    this.defer(() => rmSync(this.directory, { recursive: true, force: true }))
    this.defer(() => this.#removeEverything())
  }

  get engine(): EmbeddedEngine {
    if (this.#engine === undefined) throw new Error('open the engine first')
    return this.#engine
  }

  async openEngine(options: Partial<EngineOptions> = {}): Promise<EmbeddedEngine> {
    this.#engine = await createEngine(
      { ...this.options, ...options },
      { clock: systemClock, random: systemRandom, log: silentLog },
    )
    return this.#engine
  }

  async closeEngine(): Promise<void> {
    await this.#engine?.close()
    this.#engine = undefined
  }

  /** Puts the image `box` (busybox with a user `app`) into the store, or a variation of it; no engine may be open. */
  async addImage({ tag = 'box:latest', config = {}, change = () => {} }: ImageVariation = {}): Promise<void> {
    const root = join(this.directory, tag === 'box:latest' ? 'image' : `image-${tag.replace(/\W/g, '-')}`)
    for (const folder of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'data'])
      mkdirSync(join(root, folder), { recursive: true })
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
    for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet))
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/data:/bin/sh\n')
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\napp:x:1001:\nextra:x:50:app\n')
    writeFileSync(join(root, 'data/seed'), 'seed\n')
    change(root)
    const store = await createImageStore(this.options, { clock: systemClock, random: systemRandom, log: silentLog })
    await store.importRoot(root, { config: { Cmd: ['sh'], Env: ['FROM_IMAGE=1'], ...config }, tags: [tag] })
  }

  /** Makes and starts a container that runs a shell script. */
  async run(script: string, options: RunOptions = {}): Promise<string> {
    const id = await this.create(script, options)
    await this.engine.containers.start(id)
    return id
  }

  async create(script: string, { name, host, ...config }: RunOptions = {}): Promise<string> {
    const { Id } = await this.engine.containers.create(
      { Image: 'box', Cmd: ['sh', '-c', script], ...config, HostConfig: { NetworkMode: 'none', ...host } },
      name === undefined ? {} : { name },
    )
    return Id
  }

  /** Runs a script to its end; resolves with what it printed and its exit code. */
  async runToEnd(script: string, options: RunOptions = {}): Promise<{ code: number; output: string }> {
    const id = await this.create(script, options)
    const exited = this.engine.containers.wait(id, { condition: 'next-exit' }, soon())
    // If it cannot be started, nobody waits for it.
    exited.catch(() => {})
    await this.engine.containers.start(id)
    const { StatusCode } = await exited
    return { code: StatusCode, output: await this.output(id) }
  }

  async output(id: string, { follow = false }: { readonly follow?: boolean } = {}): Promise<string> {
    let text = ''
    const logs = this.engine.containers.logs(id, { stdout: true, stderr: true, follow }, soon())
    for await (const { data } of logs) text += data.toString()
    return text
  }

  /** Waits until the container has printed a text. */
  async printed(id: string, text: string): Promise<void> {
    let seen = ''
    for await (const { data } of this.engine.containers.logs(
      id,
      { stdout: true, stderr: true, follow: true },
      soon(),
    )) {
      seen += data.toString()
      if (seen.includes(text)) return
    }
    throw new Error(`the container printed ${JSON.stringify(seen)}, not ${text}`)
  }

  state(id: string): Promise<ContainerInspect['State']> {
    return this.engine.containers.inspect(id).then(({ State }) => State)
  }

  async #removeEverything(): Promise<void> {
    const engine = this.#engine ?? (await this.openEngine())
    for (const { Id } of await engine.containers.list({ all: true }))
      await engine.containers.remove(Id, { force: true })
    await this.closeEngine()
  }
}

export interface ImageVariation {
  readonly tag?: string
  /** Of the image's configuration, as in its JSON: whatever an image may hold. */
  readonly config?: object
  /** Called with the folder that becomes the image's only layer. */
  readonly change?: (root: string) => void
}

export interface RunOptions {
  readonly name?: string
  readonly Image?: string
  readonly host?: HostConfig
  readonly Cmd?: readonly string[]
  readonly User?: string
  readonly Env?: readonly string[]
  readonly Tty?: boolean
  readonly OpenStdin?: boolean
  readonly StdinOnce?: boolean
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  readonly StopTimeout?: number
  readonly Hostname?: string
  readonly WorkingDir?: string
  readonly Healthcheck?: { readonly Test: readonly string[]; readonly Interval?: number; readonly Retries?: number }
}

/** Reads a raw stream to its end. */
export async function readAll(stream: Duplex): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** The frames of a multiplexed stream as `[stream, text]`, neighbours of one stream joined. */
export function readFrames(bytes: Buffer): [number, string][] {
  const frames: [number, string][] = []
  for (let offset = 0; offset < bytes.length; ) {
    const stream = bytes.readUInt8(offset)
    const length = bytes.readUInt32BE(offset + 4)
    const text = bytes.toString('utf8', offset + 8, offset + 8 + length)
    const last = frames.at(-1)
    if (last?.[0] === stream) last[1] += text
    else frames.push([stream, text])
    offset += 8 + length
  }
  return frames
}

/** Repeats until the value is as wanted; fails after a minute and a half with the value that is there instead. */
export async function eventually<T>(get: () => Promise<T> | T, isWanted: (value: T) => boolean): Promise<T> {
  const signal = soon()
  for (;;) {
    const value = await get()
    if (isWanted(value)) return value
    if (signal.aborted) throw new Error(`still ${JSON.stringify(value)}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Whether a process runs; one that has ended and was not yet collected by its parent does not. */
export const isAlive = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

const PROGRAM = join(import.meta.dirname, 'engine-program.ts')

/** An engine in a process of its own, which can be killed. Calls name an operation: `containers.start`. */
export class EngineProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  readonly #exited: Promise<void>
  #sent = 0

  constructor(options: EngineOptions, { netns }: { readonly netns?: string } = {}) {
    const args = [PROGRAM, JSON.stringify(options)]
    const enter = netns === undefined ? [] : [`--net=${netns}`, process.execPath]
    this.#child = spawn(netns === undefined ? process.execPath : 'nsenter', [...enter, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#exited = new Promise(resolve => this.#child.once('exit', () => resolve()))
    this.#child.on('message', (reply: Reply) => this.#waiting.get(reply.id)?.(reply))
    void this.#exited.then(() => {
      for (const [id, answer] of this.#waiting) answer({ id, error: 'the engine process ended' })
    })
  }

  call<T = unknown>(operation: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#sent
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, reply => {
        this.#waiting.delete(id)
        if (reply.error === undefined) resolve(reply.value as T)
        else reject(new Error(reply.error))
      })
      this.#child.send({ id, operation, args }, error => {
        if (error !== null) reject(error)
      })
    })
  }

  get exited(): Promise<void> {
    return this.#exited
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}

interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}
