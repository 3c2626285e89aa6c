import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { withDeadline } from '../../../core/clock.ts'
import { failed } from '../../../core/errors.ts'
import { PINNED_NAME } from '../client-config.ts'
import { CollectedOutput } from '../collect-output.ts'
import { type Attempt, commandFailed, opensshFailure } from '../failure.ts'
import type { HostKey } from '../host-key.ts'
import { COMMANDS_AT_ONCE_MAX, KEEPALIVE_S, KEEPALIVES_MAX } from '../limits.ts'
import { RemoteStream } from '../remote-stream.ts'
import { Slots } from '../slots.ts'
import type { ConnectPorts, RemoteResult, RunOptions } from '../transport.ts'

/** What ssh itself ends with when it could not do what it should. */
export const SSH_FAILED = 255
const CONNECT_S_MAX = 20
/** Until it has connected and logged in, or has said why not. */
export const LOGIN_MS_MAX = (CONNECT_S_MAX + 5) * 1_000
const DRAIN_MS_MAX = 500
/** The shared connection is a process of this machine. */
const HANG_UP_MS_MAX = 1_000
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

/** Where ssh keeps what belongs to one connection. */
export interface SshFiles {
  /** A folder that only we may enter: the socket of the connection is in it. */
  readonly folder: string
  /** Settings before all others: of each, ssh takes the one that stands first. */
  readonly first?: readonly string[]
}

/** The file of a folder in which the keys stand that alone are the host's. */
export function pinnedFileIn(folder: string): string {
  return join(folder, 'known')
}

/** The `ssh` of this machine, told how to reach one host. It never asks anything of the person. */
export class SshProgram {
  readonly #to: SystemDestination
  readonly #ports: ConnectPorts
  readonly #files: SshFiles
  readonly #slots = new Slots(COMMANDS_AT_ONCE_MAX)

  constructor(to: SystemDestination, ports: ConnectPorts, files: SshFiles) {
    this.#to = to
    this.#ports = ports
    this.#files = files
  }

  /** Runs it to its end, whatever that is. `what`: for the message that it took too long. */
  async run(
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

  /** One of its own over the shared connection; where that takes no more sessions, ssh makes another one. `words`: what it does there. */
  stream(args: readonly string[], words: readonly string[], signal?: AbortSignal): Duplex {
    signal?.throwIfAborted()
    const child: ChildProcessWithoutNullStreams = spawn('ssh', [...this.#options(), ...args], {
      env: { ...this.#ports.env },
    })
    const stderr = new CollectedOutput(child.stderr, 'stderr')
    const { stdout: output, stdin: input } = child
    const stream = new RemoteStream({ output, input, isCommand: true, hangUp: () => void child.kill() })
    let hasSpoken = false
    output.once('data', () => {
      hasSpoken = true
    })
    child.once('error', cause => stream.destroy(failed('SSH_FAILED', NO_SSH, { cause })))
    child.once('close', code => {
      const said = stderr.finish()
      const failure = code === SSH_FAILED ? this.failureIn(said) : undefined
      const why = failure ?? commandFailed(this.#to.host, words, said)
      stream.finish(code === 0 || hasSpoken ? undefined : why)
    })
    return stream
  }

  /** Ends the shared connection from a process that ends itself. */
  hangUpNow(): void {
    const args = [...this.#options(), '-O', 'exit', this.#to.host]
    spawnSync('ssh', args, { stdio: 'ignore', env: { ...this.#ports.env }, timeout: HANG_UP_MS_MAX })
  }

  /** Which of its own failures it tells of; undefined: none. */
  failureIn(stderr: string): Error | undefined {
    const { host, port = 22, user = '', keyPaths, toTrust } = this.#to
    const attempt: Attempt = { host, port, user, offered: keyPaths, ...(toTrust === undefined ? {} : { toTrust }) }
    return opensshFailure(stderr, attempt)
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
      const out = new CollectedOutput(stdout, 'stdout', onLine)
      const err = new CollectedOutput(stderr, 'stderr', onLine)
      // It may end without having read it all.
      input.on('error', () => {})
      input.end(stdin ?? '')
      child.on('error', error => {
        reject(signal.aborted ? error : failed('SSH_FAILED', NO_SSH, { cause: error }))
      })
      if (this.#files.first !== undefined) child.once('exit', () => this.#letGo([stdout, stderr]))
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
    const { folder, first = [] } = this.#files
    const settings = [
      ...first,
      'BatchMode=yes',
      `ConnectTimeout=${CONNECT_S_MAX}`,
      `ServerAliveInterval=${KEEPALIVE_S}`,
      `ServerAliveCountMax=${KEEPALIVES_MAX}`,
      'ControlMaster=auto',
      'ControlPersist=60',
      `ControlPath=${join(folder, 'c')}`,
      ...hostKeySettings(pinned.length > 0 ? pinnedFileIn(folder) : undefined, acceptNew),
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
}

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
