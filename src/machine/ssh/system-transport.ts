import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { withDeadline } from '../../core/clock.ts'
import { failed } from '../../core/errors.ts'
import { formatPins, readPins } from '../store/pinned-keys.ts'
import { PINNED_NAME } from './client-config.ts'
import { CollectedOutput } from './collect-output.ts'
import { type Attempt, commandFailed, lostConnection, opensshFailure } from './failure.ts'
import type { HostKey } from './host-key.ts'
import { shellLine } from './quote.ts'
import { RemoteStream } from './remote-stream.ts'
import { Slots } from './slots.ts'
import type { ConnectPorts, RemoteResult, RunOptions, StreamTransport } from './transport.ts'

/** OpenSSH's MaxSessions is 10, for all that share its connection. */
const CHANNELS_MAX = 8
/** What ssh itself ends with when it could not do what it should. */
const SSH_FAILED = 255
const CONNECT_S_MAX = 20
const CONTROL_MS_MAX = 10_000
const DRAIN_MS_MAX = 500
const UPLOAD_MS_MAX = 600_000
const NO_SSH = 'ssh cannot be started: install openssh-client'

export interface SystemDestination {
  /** As ssh is to be told: a name of its configuration, or an address. */
  readonly host: string
  readonly port?: number
  readonly user?: string
  /** Files of private keys; none: what ssh's configuration and agents offer. */
  readonly keyPaths: readonly string[]
  /** Hosts in between; none: those of its configuration. */
  readonly jumps: readonly string[]
  /** Keys that alone are the host's; none: what ssh's own files say. */
  readonly pinned: readonly HostKey[]
  /** Takes a host of which nothing is known, and has ssh remember it. */
  readonly acceptNew: boolean
  /** What a person does to have a host trusted of which nothing is known. */
  readonly toTrust?: string
}

/**
 * The `ssh` of this machine, for what only it can do: certificates, keys in hardware, ProxyCommand. All commands share one
 * connection, whose socket is in a folder that only we may enter.
 */
export class SystemTransport implements StreamTransport {
  readonly refusesDials = false
  readonly #to: SystemDestination
  readonly #ports: ConnectPorts
  readonly #folder: string
  /** Settings before all others: of each, ssh takes the one that stands first. */
  readonly #first: readonly string[]
  readonly #slots = new Slots(CHANNELS_MAX)
  /** Sockets here, by the path on the host that they lead to. */
  readonly #forwards = new Map<string, Promise<string>>()

  private constructor(to: SystemDestination, ports: ConnectPorts, folder: string, first: readonly string[] = []) {
    this.#to = to
    this.#ports = ports
    this.#folder = folder
    this.#first = first
  }

  /** Connects and logs in, without ever asking anything of the person. */
  static async connect(to: SystemDestination, ports: ConnectPorts, signal: AbortSignal): Promise<SystemTransport> {
    // Short: the path of a socket has room for 107 bytes.
    const folder = await mkdtemp(join(tmpdir(), 'shoal-'))
    const transport = new SystemTransport(to, ports, folder)
    try {
      if (to.pinned.length > 0) await writeFile(join(folder, 'known'), formatPins(to.pinned))
      await transport.run(['true'], { timeoutMs: (CONNECT_S_MAX + 5) * 1_000, signal })
      return transport
    } catch (error) {
      await transport.close()
      throw error
    }
  }

  /** The key that a host shows, before anybody logs in. `signatures`: those to ask it for; none: any. */
  static async hostKeyOf(
    to: SystemDestination,
    ports: ConnectPorts,
    { signatures, signal }: { readonly signatures: readonly string[]; readonly signal: AbortSignal },
  ): Promise<HostKey> {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-'))
    try {
      const file = join(folder, 'shown')
      const first = learningSettings(file, signatures)
      const transport = new SystemTransport({ ...to, pinned: [] }, ports, folder, first)
      const { stderr } = await transport.#ssh([to.host, 'true'], {
        timeoutMs: (CONNECT_S_MAX + 5) * 1_000,
        signal,
        what: 'ssh',
      })
      const [key] = readPins(await readFile(file, 'utf8').catch(() => ''))
      if (key !== undefined) return key
      const why = stderr.trim().split('\n').at(-1) ?? ''
      throw opensshFailure(stderr, transport.#attempt()) ?? failed('SSH_FAILED', `${to.host} shows no host key: ${why}`)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async run(words: readonly string[], options: RunOptions): Promise<RemoteResult> {
    const result = await this.#ssh([this.#to.host, shellLine([...TELL_SIGNALS, ...words])], {
      ...options,
      what: words[0] ?? '',
    })
    // A command may end with 255 too; ssh says why when it was itself, unless the connection was lost beneath it.
    if (result.code !== SSH_FAILED) return result
    const failure = opensshFailure(result.stderr, this.#attempt())
    if (failure !== undefined) throw failure
    if (!(await this.#isConnected())) throw lostConnection(this.#to.host, 'it ended')
    return result
  }

  async #isConnected(): Promise<boolean> {
    const { code } = await this.#ssh(['-O', 'check', this.#to.host], {
      timeoutMs: CONTROL_MS_MAX,
      what: 'ssh -O check',
    })
    return code === 0
  }

  async upload(
    content: Buffer,
    path: string,
    { mode, signal }: { readonly mode: number; readonly signal?: AbortSignal },
  ): Promise<void> {
    const temporary = `${path}.${this.#ports.random.bytes(6).toString('hex')}`
    // Names come as arguments of the script: nothing of them is read as a part of it.
    const script = 'umask 077; cat > "$1" && chmod "$2" "$1" && mv -f "$1" "$3" || { rm -f "$1"; exit 1; }'
    const words = ['sh', '-c', script, 'sh', temporary, mode.toString(8), path]
    const { code, stderr } = await this.run(words, {
      stdin: content,
      timeoutMs: UPLOAD_MS_MAX,
      ...(signal === undefined ? {} : { signal }),
    })
    if (code !== 0) throw failed('UPLOAD_FAILED', `Cannot write ${path} on ${this.#to.host}: ${stderr.trim()}`)
  }

  /** Connects to a socket here that the shared connection forwards: where nobody listens there, it is closed at once. */
  async dialSocket(path: string, signal?: AbortSignal): Promise<Socket> {
    const forwarding = this.#forwards.get(path) ?? this.#forward(path, signal)
    this.#forwards.set(path, forwarding)
    const local = await forwarding.catch((error: unknown) => {
      this.#forwards.delete(path)
      throw error
    })
    return new Promise((resolve, reject) => {
      const socket = connect({ path: local, allowHalfOpen: true })
      socket.once('connect', () => resolve(socket))
      socket.once('error', reject)
    })
  }

  async #forward(path: string, signal?: AbortSignal): Promise<string> {
    const local = join(this.#folder, this.#ports.random.bytes(6).toString('hex'))
    const forward = ['-O', 'forward', '-L', `${local}:${path}`, this.#to.host]
    const { code, stderr } = await this.#ssh(forward, {
      timeoutMs: CONTROL_MS_MAX,
      what: 'ssh -O forward',
      ...(signal === undefined ? {} : { signal }),
    })
    if (code !== 0) throw failed('SSH_FAILED', `Cannot reach ${path} on ${this.#to.host}: ${stderr.trim()}`)
    return local
  }

  async dialHost(host: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    const to = `${host.includes(':') ? `[${host}]` : host}:${port}`
    return this.#streamOf(['-W', to, this.#to.host], [`connect ${to}`], signal)
  }

  async dialCommand(words: readonly string[], signal?: AbortSignal): Promise<Duplex> {
    return this.#streamOf([this.#to.host, shellLine(words)], words, signal)
  }

  /** An `ssh` of its own over the shared connection; where that takes no more sessions, ssh makes another one. */
  #streamOf(args: readonly string[], words: readonly string[], signal?: AbortSignal): Duplex {
    signal?.throwIfAborted()
    const child: ChildProcessWithoutNullStreams = spawn('ssh', [...this.#options(), ...args], {
      env: { ...this.#ports.env },
    })
    const stderr = new CollectedOutput(child.stderr)
    const { stdout: output, stdin: input } = child
    const stream = new RemoteStream({ output, input, isCommand: true, hangUp: () => void child.kill() })
    let hasSpoken = false
    output.once('data', () => {
      hasSpoken = true
    })
    child.once('error', cause => stream.destroy(failed('SSH_FAILED', NO_SSH, { cause })))
    child.once('close', code => {
      const said = stderr.finish()
      const failure = code === SSH_FAILED ? opensshFailure(said, this.#attempt()) : undefined
      const why = failure ?? commandFailed(this.#to.host, words, said)
      stream.finish(code === 0 || hasSpoken ? undefined : why)
    })
    return stream
  }

  async close(): Promise<void> {
    await this.#ssh(['-O', 'exit', this.#to.host], { timeoutMs: CONTROL_MS_MAX, what: 'ssh -O exit' }).catch(() => {})
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #ssh(
    args: readonly string[],
    { what, ...options }: RunOptions & { readonly what: string },
  ): Promise<RemoteResult> {
    const { timeoutMs, signal } = options
    const giveBack = await this.#slots.take(signal)
    try {
      return await withDeadline(inner => this.#spawn(args, options, inner), timeoutMs, {
        clock: this.#ports.clock,
        signal,
        onTimeout: () =>
          failed('REMOTE_TIMEOUT', `${what} on ${this.#to.host} did not end within ${timeoutMs / 1_000} s`),
      })
    } finally {
      giveBack()
    }
  }

  #spawn(args: readonly string[], { stdin, onLine }: RunOptions, signal: AbortSignal): Promise<RemoteResult> {
    const child: ChildProcess = spawn('ssh', [...this.#options(), ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...this.#ports.env },
      signal,
    })
    return new Promise((resolve, reject) => {
      const { stdin: input, stdout, stderr } = child
      if (input === null || stdout === null || stderr === null) return reject(new Error('ssh has no streams'))
      const out = new CollectedOutput(stdout, onLine)
      const err = new CollectedOutput(stderr, onLine)
      // It may end without having read it all.
      input.on('error', () => {})
      input.end(stdin ?? '')
      child.on('error', error => {
        reject(signal.aborted ? error : failed('SSH_FAILED', NO_SSH, { cause: error }))
      })
      if (this.#first.length > 0) child.once('exit', () => this.#letGo([stdout, stderr]))
      child.on('close', code => resolve({ code: code ?? SSH_FAILED, stdout: out.finish(), stderr: err.finish() }))
    })
  }

  /** A ProxyCommand may keep ssh's streams although ssh has ended without logging in; what ssh said comes at once. */
  #letGo(streams: readonly Readable[]): void {
    this.#ports.clock.setTimer(DRAIN_MS_MAX, () => {
      for (const stream of streams) stream.destroy()
    })
  }

  #options(): string[] {
    const { port, user, keyPaths, jumps, pinned, acceptNew } = this.#to
    const settings = [
      ...this.#first,
      'BatchMode=yes',
      `ConnectTimeout=${CONNECT_S_MAX}`,
      'ServerAliveInterval=10',
      'ServerAliveCountMax=2',
      'ControlMaster=auto',
      'ControlPersist=60',
      `ControlPath=${join(this.#folder, 'c')}`,
      ...hostKeySettings(pinned.length > 0 ? join(this.#folder, 'known') : undefined, acceptNew),
      ...(keyPaths.length > 0 ? ['IdentitiesOnly=yes'] : []),
      ...(jumps.length > 0 ? [`ProxyJump=${jumps.join(',')}`] : []),
    ]
    const { configFile } = this.#ports
    return [
      '-T',
      ...(configFile === undefined ? [] : ['-F', configFile]),
      ...settings.flatMap(setting => ['-o', setting]),
      ...keyPaths.flatMap(path => ['-i', path]),
      ...(port === undefined ? [] : ['-p', String(port)]),
      ...(user === undefined ? [] : ['-l', user]),
    ]
  }

  #attempt(): Attempt {
    const { host, port = 22, user = '', keyPaths, toTrust } = this.#to
    return { host, port, user, offered: keyPaths, ...(toTrust === undefined ? {} : { toTrust }) }
  }
}

/** ssh ends with 255 for a command that a signal ended; a shell in between tells which. */
const TELL_SIGNALS = ['sh', '-c', '"$@"; exit $?', 'sh']

/** Whose keys to take. Pinned ones stand under one name, whatever way leads to the host. */
function hostKeySettings(pinnedFile: string | undefined, acceptNew: boolean): string[] {
  if (pinnedFile === undefined) return [`StrictHostKeyChecking=${acceptNew ? 'accept-new' : 'yes'}`]
  return [
    'StrictHostKeyChecking=yes',
    `HostKeyAlias=${PINNED_NAME}`,
    `UserKnownHostsFile=${pinnedFile}`,
    'GlobalKnownHostsFile=none',
  ]
}

/** Has ssh note the key that a host shows, and then not log in: whose it is nobody knows yet. */
function learningSettings(file: string, signatures: readonly string[]): string[] {
  return [
    'ControlMaster=no',
    'ControlPath=none',
    'PreferredAuthentications=none',
    'StrictHostKeyChecking=accept-new',
    `HostKeyAlias=${PINNED_NAME}`,
    `UserKnownHostsFile=${file}`,
    'GlobalKnownHostsFile=none',
    'HashKnownHosts=no',
    'UpdateHostKeys=no',
    ...(signatures.length === 0 ? [] : [`HostKeyAlgorithms=${signatures.join(',')}`]),
  ]
}
