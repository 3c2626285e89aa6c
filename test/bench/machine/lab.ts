import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SshHosts } from '../../support/ssh-hosts.ts'
import { type MeasuredRun, measureRun } from './measured-run.ts'

const SUBNET = '10.238.4'
const FIRST_ADDRESS = 10

/** What sshd of a host has seen. */
export interface Visits {
  /** TCP connections, whether or not anybody logged in. */
  readonly connections: number
  readonly commands: number
}

/** Hosts with a real sshd each, and `machine` as it is installed, with a store of its own. */
export class MachineLab {
  readonly #ssh: SshHosts
  readonly #addresses = new Map<string, string>()

  private constructor(ssh: SshHosts) {
    this.#ssh = ssh
  }

  static async open(): Promise<MachineLab> {
    return new MachineLab(await SshHosts.open('sh-mbench', SUBNET))
  }

  /** For files of whoever measures. */
  get directory(): string {
    return this.#ssh.directory
  }

  get keyPath(): string {
    return this.#ssh.keyPath
  }

  get hostKey(): string {
    return this.#ssh.hostKey
  }

  async start(name: string): Promise<void> {
    const address = `${SUBNET}.${FIRST_ADDRESS + this.#addresses.size}`
    this.#addresses.set(name, address)
    await this.#ssh.start(name, address)
  }

  addressOf(name: string): string {
    return this.#addresses.get(name) ?? ''
  }

  /** Where the root of a host is seen from this machine. */
  rootOf(name: string): string {
    const [sshd] = this.#ssh.pids(name, /^\/usr\/sbin\/sshd|sshd: .*listener/)
    return `/proc/${sshd}/root`
  }

  /** Flags of `machine create` for a host. */
  flagsFor(name: string, { isStrange = false }: { readonly isStrange?: boolean } = {}): readonly string[] {
    const key = isStrange ? this.#ssh.strangeKeyPath : this.#ssh.keyPath
    const engine = ['--engine-opt', `cgroup-parent=${this.#ssh.hosts.cgroupParent(name)}`]
    return ['--host', this.addressOf(name), '--generic-ssh-key', key, '--accept-new', ...engine]
  }

  /** Runs `machine`; throws what it said unless it ends with the code. */
  machine(argv: readonly string[], code = 0): Promise<MeasuredRun> {
    const store = join(this.directory, 'store')
    return measureRun([resolve('bin/machine'), '--storage-path', store, ...argv], { code, subnet: SUBNET })
  }

  /** The words of a bare `ssh` to a host, which knows nothing before and keeps nothing. */
  sshWords(name: string, { isStrange = false }: { readonly isStrange?: boolean } = {}): readonly string[] {
    const settings = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR']
    const key = isStrange ? this.#ssh.strangeKeyPath : this.#ssh.keyPath
    const options = settings.flatMap(setting => ['-o', setting])
    return ['ssh', '-F', this.#ssh.sshConfig, ...options, '-i', key, `root@${this.addressOf(name)}`]
  }

  /** How long a program of this machine takes, in milliseconds. Throws unless it ends with the code. */
  async time(words: readonly string[], code = 0): Promise<number> {
    return (await measureRun(words, { code, subnet: SUBNET })).ms
  }

  /** What a host saw while work was done. */
  async visits(name: string, work: () => Promise<unknown>): Promise<Visits> {
    const file = this.#ssh.hosts.logFile(name, 'sshd')
    const before = readFileSync(file, 'utf8').length
    await work()
    const said = readFileSync(file, 'utf8').slice(before)
    const count = (pattern: RegExp): number => said.match(pattern)?.length ?? 0
    return { connections: count(/^Connection from/gm), commands: count(/^Starting session/gm) }
  }

  close(): Promise<void> {
    return this.#ssh.close()
  }
}
