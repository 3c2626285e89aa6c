import { systemClock } from '../../../../src/core/clock.ts'
import { systemRandom } from '../../../../src/core/random.ts'
import type { Machine } from '../../../../src/machine/model/machine.ts'
import type { Bundle } from '../../../../src/machine/provision/bundle/bundle.ts'
import { provisionHost } from '../../../../src/machine/provision/provision-host.ts'
import type { ProvisionOptions, ProvisionRequest } from '../../../../src/machine/provision/provision-options.ts'
import { connectHost } from '../../../../src/machine/ssh/connect-host.ts'
import { readHostKey } from '../../../../src/machine/ssh/host-key.ts'
import type { Transport } from '../../../../src/machine/ssh/transport.ts'
import { MachineStore } from '../../../../src/machine/store/machine-store.ts'
import { writeDurably } from '../../../../src/runtime/linux/files/durable-file.ts'
import { lockFile } from '../../../../src/runtime/linux/files/file-lock.ts'
import { stubBundle } from './stub-bundle.ts'

/** How a host is provisioned, in words that another process can be given. */
export interface ProvisionTask {
  readonly machine: Machine
  readonly address: string
  readonly port?: number
  readonly user?: string
  readonly keyPath: string
  readonly hostKey: string
  /** Instead of this machine's. */
  readonly sshConfig: string
  readonly store: string
  /** This process dies by kill -9 around so many commands after it has connected. */
  readonly death?: { readonly command: number; readonly when: 'before' | 'during' }
}

export type TaskOptions = Partial<ProvisionOptions> & {
  readonly bundle?: Bundle
  /** Our clock is so far ahead. */
  readonly clockAheadMs?: number
}

/** What the functions of provisioning want for a task. */
export async function prepare(task: ProvisionTask, { bundle, clockAheadMs = 0 }: TaskOptions = {}) {
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + clockAheadMs }
  const files = { writeDurably, lock: lockFile }
  const store = new MachineStore(task.store, { files, clock })
  const key = readHostKey(Buffer.from(task.hostKey.split(' ')[1] ?? '', 'base64'))
  const target = { host: task.address, port: task.port ?? 22, user: task.user ?? 'root', keyPath: task.keyPath }
  const ports = { clock, random: systemRandom, env: { PATH: process.env['PATH'] }, configFile: task.sshConfig }
  const request: ProvisionRequest = {
    machine: task.machine,
    address: task.address,
    url: `tcp://${task.address}:2376`,
    target,
    bundle: bundle ?? (await stubBundle()),
    async connect(signal) {
      const pinned = key === undefined ? [] : [key]
      return mortal(await connectHost({ ...target, pinned, acceptNew: false }, ports, signal), task.death)
    },
  }
  return { request, ports: { clock, random: systemRandom, store, files } }
}

/** Provisions as a task says. */
export async function provision(task: ProvisionTask, options: TaskOptions = {}) {
  const { request, ports } = await prepare(task, options)
  return provisionHost(request, { signal: new AbortController().signal, onEvent: () => {}, ...options }, ports)
}

/** `during`: the command is on its way, and may have begun or have ended: whichever it is, the next run has to cope. */
function mortal(transport: Transport, death: ProvisionTask['death']): Transport {
  if (death === undefined) return transport
  let commands = 0
  return {
    ...transport,
    dialSocket: transport.dialSocket.bind(transport),
    close: () => transport.close(),
    run(words, options) {
      const isLast = ++commands === death.command
      if (isLast && death.when === 'before') process.kill(process.pid, 'SIGKILL')
      if (isLast) setTimeout(() => process.kill(process.pid, 'SIGKILL'), DURING_MS)
      return transport.run(words, options)
    },
  }
}

const DURING_MS = 30

if (process.argv[1] === import.meta.filename) {
  const { ok } = await provision(JSON.parse(process.argv[2] ?? ''))
  process.exitCode = ok ? 0 : 1
}
