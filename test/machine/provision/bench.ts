import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../src/core/random.ts'
import {
  type CleanOptions,
  cleanHost,
  type ProvisionEvent,
  type ProvisionOptions,
  type ProvisionRequest,
  type ProvisionResult,
  provisionHost,
  upgradeHost,
} from '../../../src/machine/index.ts'
import type { ProvisionPorts } from '../../../src/machine/provision/provision-options.ts'
import { FakeHost } from './fake-host.ts'
import { BUNDLE, MACHINE } from './scene.ts'

/** A host that is none, with all that provisioning it takes. */
export class Bench {
  readonly folder: string
  readonly host = new FakeHost()
  readonly clock = new ManualClock(1_000_000)
  readonly events: ProvisionEvent[] = []
  /** Each record as it was kept. */
  readonly kept: string[] = []
  /** Why records cannot be kept. */
  full: Error | undefined

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), 'shoal-provision-')))
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true })
  }

  provision(
    options: Partial<ProvisionOptions> = {},
    request: Partial<ProvisionRequest> = {},
  ): Promise<ProvisionResult> {
    return provisionHost(this.#request(request), { ...this.#heard(), ...options }, this.#ports())
  }

  upgrade(request: Partial<ProvisionRequest>): Promise<ProvisionResult> {
    const options = { drain: true, until: 'facts', ...this.#heard() } as const
    return upgradeHost(this.#request(request), options, this.#ports())
  }

  clean(options: Partial<CleanOptions> = {}, request: Partial<ProvisionRequest> = {}): Promise<ProvisionResult> {
    return cleanHost(this.#request(request), { data: false, ...this.#heard(), ...options }, this.#ports())
  }

  #request(changes: Partial<ProvisionRequest>): ProvisionRequest {
    return {
      machine: MACHINE,
      address: '10.0.0.5',
      url: 'tcp://10.0.0.5:2376',
      target: { host: '10.0.0.5', port: 22, user: 'jo' },
      bundle: BUNDLE,
      connect: async () => this.host,
      ...changes,
    }
  }

  #heard(): Pick<ProvisionOptions, 'signal' | 'onEvent'> {
    return { signal: new AbortController().signal, onEvent: event => void this.events.push(event) }
  }

  #ports(): ProvisionPorts {
    const writeDurably = async (path: string, text: string | Uint8Array): Promise<void> => {
      if (this.full !== undefined) throw this.full
      this.kept.push(text.toString())
      await writeFile(path, text)
    }
    const store = { folderOf: () => this.folder }
    return { clock: this.clock, random: seededRandom(1), store, files: { writeDurably } }
  }
}
