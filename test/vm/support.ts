import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import {
  connectHost,
  type Driver,
  type DriverPorts,
  driverOf,
  driverPorts,
  type Machine,
  MachineStore,
  PLAIN_ENGINE,
  readSettings,
  type Transport,
} from '../../src/machine/index.ts'

/** Images stay here between runs, under names that follow from what they are made of. */
export const IMAGE_CACHE = resolve(import.meta.dirname, '../../.cache/machine-images')

/** A store of machines in a folder of its own, whose virtual machines are gone when it ends. */
export class VmStore {
  readonly directory = mkdtempSync(join(tmpdir(), 'shoal-vm-'))
  readonly store: MachineStore
  readonly said: string[] = []
  readonly #driver: Driver = driverOf('qemu')

  constructor() {
    mkdirSync(IMAGE_CACHE, { recursive: true })
    symlinkSync(IMAGE_CACHE, join(this.directory, 'cache'))
    const lock = () => ({ held: true, release: () => {} }) as const
    const writeDurably = (path: string, text: string | Uint8Array, mode = 0o600) => writeFile(path, text, { mode })
    this.store = new MachineStore(this.directory, { clock: systemClock, files: { writeDurably, lock } })
  }

  /** Makes a machine of emulated hardware; `flags` are those of the driver. */
  async create(name: string, flags: Readonly<Record<string, string>> = {}): Promise<Machine> {
    const given: Readonly<Record<string, string>> = { 'qemu-accel': 'tcg', 'qemu-memory': '768', ...flags }
    const settings = readSettings(this.#driver.flags, {
      text: flag => given[flag],
      list: flag => given[flag]?.split(',') ?? [],
      isSet: flag => flag in given,
      env: () => undefined,
    })
    this.#driver.check(settings)
    const machine = { name, driver: 'qemu', settings, engine: PLAIN_ENGINE, certificateNames: [], createdAtMs: 0 }
    await this.store.save(machine)
    await this.work(name, 'precheck')
    await this.work(name, 'create')
    return this.store.load(name)
  }

  async work(
    name: string,
    what: 'precheck' | 'create' | 'start' | 'stop' | 'kill' | 'restart' | 'remove',
  ): Promise<void> {
    const work = this.#driver[what]
    if (work === undefined) throw new Error(`qemu cannot ${what}`)
    await work(await this.store.load(name), this.ports(name), new AbortController().signal)
  }

  async state(name: string): Promise<string> {
    return this.#driver.state(await this.store.load(name), this.ports(name), new AbortController().signal)
  }

  ports(name: string): DriverPorts {
    return driverPorts(this.store, name, {
      clock: systemClock,
      random: systemRandom,
      env: process.env,
      report: line => this.said.push(line),
    })
  }

  /** Logs in by the way and with the keys that the driver tells, and with nothing else. */
  async login(name: string): Promise<Transport> {
    const { ssh } = this.#driver.whereabouts(await this.store.load(name))
    if (ssh === undefined) throw new Error('a virtual machine is reached over SSH')
    const configFile = join(this.directory, 'no-ssh-config')
    await writeFile(configFile, '')
    return connectHost(
      {
        host: ssh.host,
        port: ssh.port,
        user: ssh.user,
        keyPath: join(this.store.folderOf(name), ssh.keyPath ?? ''),
        pinned: [],
        acceptNew: false,
        ...(ssh.hostKey === undefined ? {} : { expectedKey: ssh.hostKey }),
      },
      { clock: systemClock, random: systemRandom, env: { PATH: process.env['PATH'] }, configFile },
      new AbortController().signal,
    )
  }

  /** What a command on a machine says, without the line feed at its end. Rejects if it fails. */
  async tell(name: string, ...words: string[]): Promise<string> {
    const transport = await this.login(name)
    try {
      const { code, stdout, stderr } = await transport.run(words, { timeoutMs: 120_000 })
      if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`)
      return stdout.trimEnd()
    } finally {
      await transport.close()
    }
  }

  async end(): Promise<void> {
    for (const name of await this.store.names()) await this.work(name, 'remove')
    await rm(this.directory, { recursive: true })
  }
}
