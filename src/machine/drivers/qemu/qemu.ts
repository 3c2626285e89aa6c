import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine, MachineState } from '../../model/machine.ts'
import type { Driver, DriverPorts, Whereabouts } from '../driver.ts'
import { numberOf, optionalTextOf, textOf } from '../settings.ts'
import { VM_FILES } from './command-line.ts'
import { createVm, precheckVm } from './create.ts'
import { afterEnd, HOST_KEY, LOGIN_KEY, launch } from './launch.ts'
import { unplug } from './network.ts'
import { checkQemuSettings, isBridged, QEMU_FLAGS } from './qemu-settings.ts'
import { withQmp } from './qmp.ts'
import { vmSnapshots } from './snapshots.ts'
import { bridgeAddress, madeOf, needMade, notMade, tapOf } from './vm-made.ts'
import { cutOff, powerDown, processOf } from './vm-process.ts'

const SSH_PORT = 22

/** What QEMU calls a machine's state (RunState of its QAPI), in our words; all that is not here is an error of its. */
const STATES: Readonly<Record<string, MachineState>> = {
  running: 'Running',
  paused: 'Paused',
  'save-vm': 'Paused',
  suspended: 'Saved',
  shutdown: 'Stopping',
  prelaunch: 'Starting',
  'restore-vm': 'Starting',
}

/** Virtual machines of this host. */
export const qemuDriver: Driver = {
  name: 'qemu',
  summary: 'virtual machines on this host',
  flags: QEMU_FLAGS,
  check: checkQemuSettings,
  precheck: precheckVm,
  create: createVm,
  whereabouts: whereaboutsOf,
  state: stateOf,
  async start(machine, ports, signal) {
    await launch(machine, needMade(machine), ports, signal)
  },
  async stop(machine, ports, signal) {
    const made = needMade(machine)
    await powerDown({ folder: ports.folder, id: made.id }, ports, signal)
    await afterEnd(machine, made, ports, signal)
  },
  async kill(machine, ports, signal) {
    const made = needMade(machine)
    await cutOff({ folder: ports.folder, id: made.id }, ports, signal)
    await afterEnd(machine, made, ports, signal)
  },
  async restart(machine, ports, signal) {
    const made = needMade(machine)
    await powerDown({ folder: ports.folder, id: made.id }, ports, signal)
    await launch(machine, made, ports, signal)
  },
  snapshots: vmSnapshots,
  async remove(machine, ports, signal) {
    const id = optionalTextOf(machine.made ?? {}, 'id')
    if (id !== undefined) {
      await cutOff({ folder: ports.folder, id }, ports, signal)
      if (isBridged(machine.settings)) await unplug(tapOf(id), ports, signal)
    }
    const files = [...Object.values(VM_FILES), `${VM_FILES.disk}.part`]
    const keys = [LOGIN_KEY, HOST_KEY].flatMap(key => [key, `${key}.pub`])
    await Promise.all([...files, ...keys].map(file => rm(join(ports.folder, file), { force: true })))
  },
}

function whereaboutsOf(machine: Machine): Whereabouts {
  const { settings, name } = machine
  const { hostKey, ports } = needMade(machine)
  const engine = ports?.engine ?? numberOf(settings, 'qemu-engine-port')
  // Chosen when it is first started.
  if (engine === 0) throw notMade(name)
  const address = ports === undefined ? bridgeAddress(settings) : '127.0.0.1'
  return {
    address,
    url: `tcp://${address}:${engine}`,
    ssh: {
      host: address,
      port: ports?.ssh ?? SSH_PORT,
      user: textOf(settings, 'qemu-ssh-user'),
      keyPath: LOGIN_KEY,
      hostKey,
    },
  }
}

async function stateOf(machine: Machine, ports: DriverPorts, signal: AbortSignal): Promise<MachineState> {
  const made = madeOf(machine)
  if (made === undefined) return 'Error'
  if ((await processOf({ folder: ports.folder, id: made.id })) === undefined) return 'Stopped'
  const status = await withQmp(ports.folder, VM_FILES.look, ({ execute }) => execute('query-status'), {
    clock: ports.clock,
    signal,
  })
  if (status === undefined) return 'Stopped'
  const word = typeof status === 'object' && status !== null && 'status' in status ? String(status.status) : ''
  return STATES[word] ?? 'Error'
}
