import { systemClock } from '../../../../src/core/clock.ts'
import { systemRandom } from '../../../../src/core/random.ts'
import type { Machine } from '../../../../src/machine/model/machine.ts'
import type { Bundle } from '../../../../src/machine/provision/bundle/bundle.ts'
import { openBundle } from '../../../../src/machine/provision/bundle/open-bundle.ts'
import { provisionHost } from '../../../../src/machine/provision/provision-host.ts'
import type { ProvisionOptions } from '../../../../src/machine/provision/provision-options.ts'
import { connectHost } from '../../../../src/machine/ssh/connect-host.ts'
import { readHostKey } from '../../../../src/machine/ssh/host-key.ts'
import { MachineStore } from '../../../../src/machine/store/machine-store.ts'
import { writeDurably } from '../../../../src/runtime/linux/files/durable-file.ts'
import { lockFile } from '../../../../src/runtime/linux/files/file-lock.ts'

/** What a test has a process do, so that it can be killed. */
export interface ProvisionTask {
  readonly machine: Machine
  readonly address: string
  readonly keyPath: string
  readonly hostKey: string
  /** Instead of this machine's. */
  readonly sshConfig: string
  readonly port?: number
  readonly user?: string
  readonly store: string
  readonly root: string
  readonly cache: string
  readonly options: Omit<ProvisionOptions, 'signal' | 'onEvent'>
  /** Our clock is so far off. */
  readonly clockAheadMs?: number
}

/** Provisions as a task says; tells events as they come. */
export async function doTask(task: ProvisionTask, onEvent: ProvisionOptions['onEvent'], bundle?: Bundle) {
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + (task.clockAheadMs ?? 0) }
  const files = { writeDurably, lock: lockFile }
  const store = new MachineStore(task.store, { files, clock })
  const key = readHostKey(Buffer.from(task.hostKey.split(' ')[1] ?? '', 'base64'))
  const target = { host: task.address, port: task.port ?? 22, user: task.user ?? 'root', keyPath: task.keyPath }
  const env = { PATH: process.env['PATH'] }
  return provisionHost(
    {
      machine: task.machine,
      address: task.address,
      url: `tcp://${task.address}:2376`,
      target,
      bundle: bundle ?? (await openBundle({ root: task.root, cache: task.cache, version: '0.1.0', files })),
      connect: signal =>
        connectHost(
          { ...target, pinned: key === undefined ? [] : [key], acceptNew: false },
          { clock, random: systemRandom, env, configFile: task.sshConfig },
          signal,
        ),
    },
    { ...task.options, signal: new AbortController().signal, onEvent },
    { clock, random: systemRandom, store, files },
  )
}

if (process.argv[1] === import.meta.filename) {
  const task: ProvisionTask = JSON.parse(process.argv[2] ?? '')
  const result = await doTask(task, event => console.log(JSON.stringify(event)))
  console.log(JSON.stringify({ result: { ...result, error: result.failed?.error.message } }))
}
