import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from '../../../scripts/lib/command.ts'
import { newHexId, pickIndex, systemRandom } from '../../../src/core/random.ts'
import { freePort, until } from '../manager/support.ts'

const CLI = 'src/main/cli.ts'

interface Program {
  readonly child: ChildProcess
  readonly output: () => string
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
    if (program?.child.exitCode === null) await once(program.child, 'exit')
    return program?.output() ?? ''
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
    const child = this.#programs.get(name)?.child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }

  async close(): Promise<void> {
    for (const name of [...this.#programs.keys()].reverse()) await this.stop(name)
    await rm(this.directory, { recursive: true, force: true })
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
