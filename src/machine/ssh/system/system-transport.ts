import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { failed } from '../../../core/errors.ts'
import { formatPins } from '../../store/pinned-keys.ts'
import { lostConnection } from '../failure.ts'
import { shellLine } from '../quote.ts'
import type { ConnectPorts, RemoteResult, RunOptions, StreamTransport } from '../transport.ts'
import { LOGIN_MS_MAX, pinnedFileIn, SSH_FAILED, SshProgram, type SystemDestination } from './ssh-program.ts'

const CONTROL_MS_MAX = 10_000

/**
 * The `ssh` of this machine, for what only it can do: certificates, keys in hardware, ProxyCommand. All commands share one
 * connection, whose socket is in a folder that only we may enter.
 */
export class SystemTransport implements StreamTransport {
  readonly refusesDials = false
  readonly #host: string
  readonly #ports: ConnectPorts
  readonly #folder: string
  readonly #ssh: SshProgram
  /** Called when what a process that is cut short has to do is done. */
  readonly #closed: () => void
  /** Sockets here, by the path on the host that they lead to. */
  readonly #forwards = new Map<string, Promise<string>>()

  private constructor(to: SystemDestination, ports: ConnectPorts, folder: string) {
    this.#host = to.host
    this.#ports = ports
    this.#folder = folder
    this.#ssh = new SshProgram(to, ports, { folder })
    this.#closed = ports.atExit?.(() => this.#hangUpNow()) ?? (() => {})
  }

  /** Connects and logs in, without ever asking anything of the person. */
  static async connect(to: SystemDestination, ports: ConnectPorts, signal: AbortSignal): Promise<SystemTransport> {
    // Short: the path of a socket has room for 107 bytes.
    const folder = await mkdtemp(join(tmpdir(), 'shoal-'))
    const transport = new SystemTransport(to, ports, folder)
    try {
      if (to.pinned.length > 0) await writeFile(pinnedFileIn(folder), formatPins(to.pinned))
      await transport.run(['true'], { timeoutMs: LOGIN_MS_MAX, signal })
      return transport
    } catch (error) {
      await transport.close()
      throw error
    }
  }

  async run(words: readonly string[], options: RunOptions): Promise<RemoteResult> {
    const what = words[0] ?? ''
    const result = await this.#ssh.run([this.#host, shellLine([...TELL_SIGNALS, ...words])], { ...options, what })
    // A command may end with 255 too; ssh says why when it was itself, unless the connection was lost beneath it.
    if (result.code !== SSH_FAILED) return result
    const failure = this.#ssh.failureIn(result.stderr)
    if (failure !== undefined) throw failure
    if ((await this.#control('check')).code !== 0) throw lostConnection(this.#host, 'it ended')
    return result
  }

  /** Connects to a socket here that the shared connection forwards: where nobody listens there, it is closed at once. */
  async dialSocket(path: string, signal?: AbortSignal): Promise<Socket> {
    signal?.throwIfAborted()
    const local = await whileWanted(this.#forwarded(path), signal)
    return new Promise((resolve, reject) => {
      const socket = connect({ path: local, allowHalfOpen: true })
      socket.once('connect', () => resolve(socket))
      socket.once('error', reject)
    })
  }

  /** For all who dial the path: none of them takes it from the others by leaving. */
  #forwarded(path: string): Promise<string> {
    const known = this.#forwards.get(path)
    if (known !== undefined) return known
    const forwarding = this.#forward(path)
    this.#forwards.set(path, forwarding)
    forwarding.catch(() => {
      if (this.#forwards.get(path) === forwarding) this.#forwards.delete(path)
    })
    return forwarding
  }

  async #forward(path: string): Promise<string> {
    const local = join(this.#folder, this.#ports.random.bytes(6).toString('hex'))
    const { code, stderr } = await this.#control('forward', ['-L', `${local}:${path}`])
    if (code !== 0) throw failed('SSH_FAILED', `Cannot reach ${path} on ${this.#host}: ${stderr.trim()}`)
    return local
  }

  async dialHost(host: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    const to = `${host.includes(':') ? `[${host}]` : host}:${port}`
    return this.#ssh.stream(['-W', to, this.#host], [`connect ${to}`], signal)
  }

  async dialCommand(words: readonly string[], signal?: AbortSignal): Promise<Duplex> {
    return this.#ssh.stream([this.#host, shellLine(words)], words, signal)
  }

  async close(): Promise<void> {
    await this.#control('exit').catch(() => {})
    await rm(this.#folder, { recursive: true, force: true })
    this.#closed()
  }

  /** ssh keeps the connection for a minute when nobody uses it any more. */
  #hangUpNow(): void {
    this.#ssh.hangUpNow()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Tells the shared connection what to do. */
  #control(what: 'check' | 'forward' | 'exit', args: readonly string[] = []): Promise<RemoteResult> {
    return this.#ssh.run(['-O', what, ...args, this.#host], { timeoutMs: CONTROL_MS_MAX, what: `ssh -O ${what}` })
  }
}

/** What others wait for too, without ending it. Rejects with the signal's reason. */
async function whileWanted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work
  const left = Promise.withResolvers<never>()
  const leave = (): void => left.reject(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([work, left.promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

/** ssh ends with 255 for a command that a signal ended; a shell in between tells which. */
const TELL_SIGNALS = ['sh', '-c', '"$@"; exit $?', 'sh']
