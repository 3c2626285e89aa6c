import { invalidInput, unsupported } from '../../../../core/errors.ts'
import {
  type DriverPorts,
  driverOf,
  type Machine,
  type Snapshot,
  type SnapshotWork,
} from '../../../../machine/index.ts'
import { type ListingFormat, renderListing } from '../../../output/format.ts'
import { humanSize } from '../../../output/size.ts'
import { formatOf } from '../look/list-format.ts'
import { type MachineCommand, portsOf, type RunMachineCommand } from '../machine-command.ts'

const LISTING: ListingFormat<Snapshot> = {
  columns: [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'CREATED', of: ({ createdAtMs }) => new Date(createdAtMs).toISOString() },
    { title: 'MEMORY', of: ({ memoryBytes }) => (memoryBytes === 0 ? '-' : humanSize(memoryBytes)) },
  ],
  record: ({ name, createdAtMs, memoryBytes }) => ({
    Name: name,
    Created: new Date(createdAtMs).toISOString(),
    Memory: memoryBytes,
  }),
  id: ({ name }) => name,
}

/** `machine snapshot ls NAME`: the states of a machine that it can go back to. */
export async function runSnapshotLs(command: MachineCommand): Promise<void> {
  const { args, context, options, store } = command
  const machine = await store.load(args[0] ?? '')
  const snapshots = await snapshotsOf(machine).list(machine, portsOf(machine.name, command), context.signal)
  context.stdout.write(renderListing(snapshots, LISTING, { format: formatOf(options), quiet: options.flag('quiet') }))
}

/** `machine snapshot create NAME SNAPSHOT`: keeps the disk, and the memory of a machine that runs. */
export const runSnapshotCreate: RunMachineCommand = command => change(command, 'create')

/** `machine snapshot restore NAME SNAPSHOT`: what was done since is lost. */
export const runSnapshotRestore: RunMachineCommand = command => change(command, 'restore')

/** `machine snapshot rm NAME SNAPSHOT` */
export const runSnapshotRm: RunMachineCommand = command => change(command, 'remove')

async function change(command: MachineCommand, verb: Exclude<keyof SnapshotWork, 'list'>): Promise<void> {
  const { args, context, options, store } = command
  const [name = '', snapshot = ''] = args
  if (snapshot === '') throw invalidInput('BAD_FLAG', 'Name the snapshot')
  await store.exclusively(name, context.signal, async () => {
    const machine = await store.load(name)
    const work = snapshotsOf(machine)[verb]
    if (options.flag('dryRun')) return void context.stdout.write(`Would ${verb} "${snapshot}" of "${name}"\n`)
    const ports: DriverPorts = portsOf(name, command, line => void context.stderr.write(`(${name}) ${line}\n`))
    await work(machine, snapshot, ports, context.signal)
    context.stdout.write(`${snapshot}\n`)
  })
}

/** Throws DRIVER_CANNOT. */
function snapshotsOf({ driver, name }: Machine): SnapshotWork {
  const { snapshots } = driverOf(driver)
  if (snapshots !== undefined) return snapshots
  throw unsupported(
    'DRIVER_CANNOT',
    `The driver "${driver}" of machine "${name}" has no snapshots: only machines of the driver qemu have`,
  )
}
