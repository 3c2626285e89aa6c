import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from '../../../scripts/lib/command.ts'
import { systemClock, withDeadline } from '../../../src/core/clock.ts'
import { newHexId, pickIndex, systemRandom } from '../../../src/core/random.ts'
import { freePort, until } from '../manager/support.ts'

/** A deadline, not a measure. */
const END_MS = 60_000
const KILLED_MS = 10_000
const CLI = 'src/main/cli.ts'

interface Program {
  readonly child: ChildProcess
  readonly output: () => string
}

function hasEnded({ child }: Program): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** A cluster with certificates of its own on loopback: a manager with its store, and agents, each with an address of its own. */
export class TrustLab {
  readonly tag = newHexId(systemRandom).slice(0, 5)
  readonly #net = `127.${50 + pickIndex(systemRandom, 150)}.${pickIndex(systemRandom, 250)}`
  readonly #programs = new Map<string, Program>()
  directory = ''
  manager = ''
  #etcd = ''

  get socket(): string {
    return `unix://${this.directory}/manager.sock`
  }

  async open(): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), 'shoal-trust-'))
    this.manager = `${this.#net}.1:${await freePort()}`
    this.#etcd = `${this.#net}.1:${await freePort()}`
    await this.run(['create', '--trust', '--data-root', this.data('m')])
    this.startManager()
    await until('the manager', async () => (await this.swarm('cert', 'ls')) !== '')
  }

  data(name: string): string {
    return join(this.directory, name)
  }

  address(node: string): string {
    return `${this.#net}.${10 + Number(node.slice(1))}:2376`
  }

  startManager(): void {
    const listening = ['-H', this.socket, '-H', `tcp://${this.manager}`, '--advertise', this.manager]
    this.#start('m', [
      'manage',
      '--data-root',
      this.data('m'),
      '--name',
      'm',
      '--etcd-listen',
      this.#etcd,
      ...listening,
    ])
  }

  startAgent(name: string, flags: readonly string[]): void {
    const data = ['--data-root', this.data(name), '--exec-root', this.data(`${name}-exec`)]
    const own = ['--advertise', this.address(name), '--bridge', 'none', '--pidfile', this.data(`${name}.pid`)]
    const hosts = ['-H', `unix://${this.data(name)}.sock`, '-H', `tcp://${this.address(name)}`]
    this.#start(name, ['join', '--manager', this.manager, '--name', name, ...data, ...own, ...hosts, ...flags])
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
    return (await this.run([...args, '-H', this.socket])).trim()
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
    this.#programs.set(name, { child, output: () => output })
  }
}
