import { failed, type ShoalError } from '../../core/errors.ts'
import type { RemoteResult, RunOptions, Transport } from '../ssh/transport.ts'

/** How commands become root's. */
export type Privilege = { readonly by: 'root' | 'sudo' } | { readonly by: 'sudo-password'; readonly password: string }

/** Constant scripts, run as root. What differs from host to host goes in as words or on stdin, never into a script. */
export class RootShell {
  readonly #transport: Transport
  readonly #prefix: readonly string[]
  readonly #password: Buffer
  readonly #privilege: Privilege
  #trips = 0

  constructor(transport: Transport, privilege: Privilege) {
    this.#privilege = privilege
    this.#transport = transport
    // -k: with a password that sudo still remembers it would leave ours to the script.
    const bySudo = privilege.by === 'sudo' ? ['sudo', '-n'] : ['sudo', '-k', '-S', '-p', '']
    this.#prefix = privilege.by === 'root' ? [] : [...bySudo, '--']
    this.#password = Buffer.from(privilege.by === 'sudo-password' ? `${privilege.password}\n` : '')
  }

  /** Commands that were run. */
  get trips(): number {
    return this.#trips
  }

  /** The same on another connection, as which commands go on being counted. */
  over(transport: Transport): RootShell {
    const shell = new RootShell(transport, this.#privilege)
    shell.#trips = this.#trips
    return shell
  }

  /** Runs a script to its end. Of one that fails, the result tells. */
  run(script: string, words: readonly string[], { stdin = '', ...options }: RunOptions): Promise<RemoteResult> {
    this.#trips++
    const bytes = typeof stdin === 'string' ? Buffer.from(stdin) : stdin
    // The archive is given to many hosts at a time: a copy for each would fill our memory.
    const input = this.#password.length === 0 ? bytes : Buffer.concat([this.#password, bytes])
    return this.#transport.run([...this.#prefix, 'sh', '-c', script, 'shoal', ...words], { ...options, stdin: input })
  }

  /** The same; throws REMOTE_FAILED with what it said last if it fails. */
  async do(what: string, script: string, words: readonly string[], options: RunOptions): Promise<string> {
    const result = await this.run(script, words, options)
    if (result.code === 0) return result.stdout
    throw remoteFailure(what, result)
  }
}

const LINES_SHOWN = 20

/** A failure of ours to do something on a host. The common causes are told by name. */
export function remoteFailure(what: string, { code, stdout, stderr }: RemoteResult): ShoalError {
  const said = `${stdout}\n${stderr}`
  const lines = said.split('\n').filter(line => line.trim() !== '')
  const last = lines.slice(-LINES_SHOWN).join('\n')
  const details = { exitCode: code, output: last }
  if (/No space left on device|ENOSPC|not enough free space/i.test(said)) {
    return failed('HOST_DISK_FULL', `Cannot ${what}: the host's disk is full; make room, and run the same again`, {
      details,
    })
  }
  if (/Read-only file system/i.test(said)) {
    return failed('HOST_READ_ONLY', `Cannot ${what}: the host's file system is read-only; mount it writable`, {
      details,
    })
  }
  const why = lines.at(-1) ?? 'it said nothing'
  return failed('REMOTE_FAILED', `Cannot ${what} (exit code ${code}): ${why}`, { details })
}
