import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from '../../../scripts/lib/command.ts'
import { systemClock, withDeadline } from '../../../src/core/clock.ts'
import { newHexId, pickIndex, systemRandom } from '../../../src/core/random.ts'
import { type EtcdProcess, startEtcd } from '../../../src/discovery/index.ts'
import { identityPaths } from '../../../src/main/trust/identity-files.ts'
import { freePort, until } from '../manager/support.ts'

/** A deadline, not a measure. */
const END_MS = 60_000
const KILLED_MS = 10_000
const CLI = 'src/main/cli.ts'

interface Program {
  readonly child: ChildProcess
  readonly output: () => string
  readonly args: readonly string[]
}

function hasEnded({ child }: Program): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** A cluster with certificates of its own on loopback: managers, their store, and agents, each with an address of its own. */
export class TrustLab {
  readonly tag = newHexId(systemRandom).slice(0, 5)
  readonly #net = `127.${50 + pickIndex(systemRandom, 150)}.${pickIndex(systemRandom, 250)}`
  readonly #programs = new Map<string, Program>()
  directory = ''
  manager = ''
  #etcd = ''
  #store: readonly string[] = []
  #external: EtcdProcess | undefined

  /** Of the manager that is asked by {@link swarm}. */
  asked = 'm'

  socketOf(name: string): string {
    return `unix://${this.directory}/${name}.sock`
  }

  /** `isExternal`: the store is none of the manager's, and has a certificate of the cluster. */
  async open({ isExternal = false } = {}): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), 'shoal-trust-'))
    this.manager = `${this.#net}.1:${await freePort()}`
    this.#etcd = `${this.#net}.1:${await freePort()}`
    await this.run(['create', '--trust', '--data-root', this.data('m')])
    this.#store = isExternal ? [`etcd://${this.#etcd}/lab`] : ['--etcd-listen', this.#etcd]
    this.startManager()
    if (isExternal) await this.#startStore()
    await until('the manager', async () => (await this.swarm('cert', 'ls')) !== '')
  }

  data(name: string): string {
    return join(this.directory, name)
  }

  address(node: string): string {
    return `${this.#net}.${10 + Number(node.slice(1))}:2376`
  }

  startManager(): void {
    this.#manage('m', this.manager, this.#store)
  }

  /** Another one; resolves with where it answers. `hasStore`: it keeps a copy of the store. */
  async addManager(name: string, token: string, { hasStore = false } = {}): Promise<string> {
    const host = `${this.#net}.${1 + this.#programs.size}`
    const address = `${host}:${await freePort()}`
    const store = hasStore ? ['--etcd-listen', `${host}:${await freePort()}`] : []
    this.#manage(name, address, ['--manager', this.manager, '--token', token, ...store])
    return address
  }

  /** Ends a manager and its store as the loss of their host does. */
  async lose(name: string): Promise<void> {
    await this.kill(name)
    const { pid } = JSON.parse(await readFile(this.data(join(name, 'etcd.json')), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
  }

  /** The same manager again, after it was ended. */
  startAgain(name: string): void {
    this.#start(name, this.#programs.get(name)?.args ?? [])
  }

  #manage(name: string, address: string, flags: readonly string[]): void {
    const listening = ['-H', this.socketOf(name), '-H', `tcp://${address}`, '--advertise', address]
    this.#start(name, ['manage', '--data-root', this.data(name), '--name', name, ...listening, ...flags])
  }

  /** The manager waits for its store, and has made its certificate before that. */
  async #startStore(): Promise<void> {
    const paths = identityPaths(join(this.data('m'), 'manager/identity'))
    await until('the certificate of the manager', async () => access(paths.membership).then(() => true))
    const [host = '', port = ''] = this.#etcd.split(':')
    const at = { dataDir: this.data('store'), host, clientPort: Number(port) }
    this.#external = await startEtcd({ ...at, clock: systemClock, tls: paths })
  }

  startAgent(name: string, flags: readonly string[], managers = this.manager): void {
    const data = ['--data-root', this.data(name), '--exec-root', this.data(`${name}-exec`)]
    const own = ['--advertise', this.address(name), '--bridge', 'none', '--pidfile', this.data(`${name}.pid`)]
    const hosts = ['-H', `unix://${this.data(name)}.sock`, '-H', `tcp://${this.address(name)}`]
    this.#start(name, ['join', '--manager', managers, '--name', name, ...data, ...own, ...hosts, ...flags])
  }

  /** Resolves when the agent has ended by itself, with all it said. */
  async ended(name: string): Promise<string> {
    const program = this.#programs.get(name)
    if (program === undefined) return ''
    await this.#exit(name, program, END_MS)
    return program.output()
  }

  output(name: string): string {
    return this.#programs.get(name)?.output() ?? ''
  }

  run(args: readonly string[], input = ''): Promise<string> {
    return command([process.execPath, CLI, 'swarm', ...args], { input })
  }

  /** A command of `swarm` to the manager. */
  async swarm(...args: readonly string[]): Promise<string> {
    return (await this.run([...args, '-H', this.socketOf(this.asked)])).trim()
  }

  /** A person's certificate, made with a token for one use. Resolves with its directory. */
  async person(name: string): Promise<string> {
    const directory = this.data(name)
    const token = await this.swarm('token', 'create', '--role', 'client', '--once')
    await this.run(['client-cert', name, '--token-file', '-', '--manager', this.manager, '--out', directory], token)
    return directory
  }

  /** How docker, and swarm, ask the manager with a certificate. */
  shown(certificates: string): readonly string[] {
    const file = (name: string): string => join(certificates, `${name}.pem`)
    const files = [`--tlscacert=${file('ca')}`, `--tlscert=${file('cert')}`, `--tlskey=${file('key')}`]
    return ['--tlsverify', ...files, '-H', `tcp://${this.manager}`]
  }

  docker(certificates: string, args: readonly string[], input = ''): Promise<string> {
    const env = { PATH: process.env['PATH'], HOME: this.directory }
    return command(['docker', ...this.shown(certificates), ...args], { timeoutMs: 60_000, env, input })
  }

  async kill(name: string): Promise<void> {
    const program = this.#programs.get(name)
    program?.child.kill('SIGKILL')
    if (program !== undefined) await this.#exit(name, program, KILLED_MS)
  }

  async stop(name: string): Promise<void> {
    const program = this.#programs.get(name)
    if (program === undefined || hasEnded(program)) return
    program.child.kill('SIGTERM')
    try {
      await this.#exit(name, program, END_MS)
    } catch (error) {
      program.child.kill('SIGKILL')
      await this.#exit(name, program, KILLED_MS)
      throw error
    }
  }

  async close(): Promise<void> {
    const failures: unknown[] = []
    for (const name of [...this.#programs.keys()].reverse()) {
      await this.stop(name).catch((error: unknown) => failures.push(error))
    }
    await this.#external?.stop().catch((error: unknown) => failures.push(error))
    await rm(this.directory, { recursive: true, force: true })
    if (failures.length > 0) throw new AggregateError(failures, 'Cannot end every program')
  }

  async #exit(name: string, program: Program, ms: number): Promise<void> {
    if (hasEnded(program)) return
    const onTimeout = () => new Error(`${name} has not ended within ${ms / 1_000} s; it said:\n${program.output()}`)
    await withDeadline(signal => once(program.child, 'exit', { signal }), ms, { clock: systemClock, onTimeout })
  }

  #start(name: string, args: readonly string[]): void {
    const child = spawn(process.execPath, [CLI, 'swarm', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        output += data.toString()
      })
    }
    this.#programs.set(name, { child, output: () => output, args })
  }
}
