import { join } from 'node:path'
import { type Clock, sleep } from '../../../core/clock.ts'
import { conflict, failed, notFound } from '../../../core/errors.ts'
import type { Machine } from '../../model/machine.ts'
import { checkMachineName } from '../../model/machine-name.ts'
import type { DriverPorts, Snapshot, SnapshotWork } from '../driver.ts'
import { runProgram } from '../run-program.ts'
import { DISK_NODE, VM_FILES } from './command-line.ts'
import { type Qmp, withQmp } from './qmp.ts'
import { needMade } from './vm-made.ts'
import { processOf } from './vm-process.ts'

/** Memory is written to the disk. */
const SNAPSHOT_MS_MAX = 600_000
/** As long as a job may still run of which nobody waits for the end. */
const GO_ON_MS_MAX = 60_000
const POLL_MS = 200

/** What is done with a snapshot: QEMU's word while the machine runs, and qemu-img's flag while it does not. */
const WORK = {
  create: { job: 'snapshot-save', flag: '-c' },
  restore: { job: 'snapshot-load', flag: '-a' },
  remove: { job: 'snapshot-delete', flag: '-d' },
} as const

/** Snapshots lie in the machine's own disk. */
export const vmSnapshots: SnapshotWork = {
  async create(machine, name, ports, signal) {
    checkMachineName(name)
    if ((await listSnapshots(machine, ports, signal)).some(each => each.name === name)) {
      throw conflict(
        'SNAPSHOT_EXISTS',
        `Machine "${machine.name}" has a snapshot "${name}": remove it, or name another`,
      )
    }
    await change('create', machine, name, { ports, signal })
  },
  async restore(machine, name, ports, signal) {
    await needSnapshot(machine, name, ports, signal)
    await change('restore', machine, name, { ports, signal })
  },
  async remove(machine, name, ports, signal) {
    await needSnapshot(machine, name, ports, signal)
    await change('remove', machine, name, { ports, signal })
  },
  list: listSnapshots,
}

async function listSnapshots(
  machine: Machine,
  { folder, clock, env }: DriverPorts,
  signal: AbortSignal,
): Promise<readonly Snapshot[]> {
  needMade(machine)
  // Whoever runs holds the disk's lock; looking at it does no harm.
  const words = ['qemu-img', 'info', '--force-share', '--output=json', join(folder, VM_FILES.disk)]
  return readSnapshots(JSON.parse(await runProgram(words, { clock, env, timeoutMs: SNAPSHOT_MS_MAX, signal })))
}

/** What `qemu-img info` says of a disk's snapshots. */
export function readSnapshots(info: unknown): readonly Snapshot[] {
  if (typeof info !== 'object' || info === null || !('snapshots' in info) || !Array.isArray(info.snapshots)) return []
  return info.snapshots.map((each: Readonly<Record<string, unknown>>) => ({
    name: String(each['name']),
    createdAtMs: Number(each['date-sec']) * 1_000,
    memoryBytes: Number(each['vm-state-size']),
  }))
}

async function needSnapshot(machine: Machine, name: string, ports: DriverPorts, signal: AbortSignal): Promise<void> {
  const snapshots = await listSnapshots(machine, ports, signal)
  if (snapshots.some(each => each.name === name)) return
  const known = snapshots.map(each => each.name).join(', ') || 'none'
  throw notFound('NO_SUCH_SNAPSHOT', `Machine "${machine.name}" has no snapshot "${name}"; it has ${known}`)
}

async function change(
  what: keyof typeof WORK,
  machine: Machine,
  name: string,
  { ports, signal }: { readonly ports: DriverPorts; readonly signal: AbortSignal },
): Promise<void> {
  const { folder, clock, env, random } = ports
  const { job, flag } = WORK[what]
  const vm = { folder, id: needMade(machine).id }
  const options = { clock, signal, timeoutMs: SNAPSHOT_MS_MAX }
  if ((await processOf(vm)) === undefined) {
    await runProgram(['qemu-img', 'snapshot', flag, name, join(folder, VM_FILES.disk)], { ...options, env })
    return
  }
  const id = `job${random.bytes(4).toString('hex')}`
  const where = what === 'remove' ? {} : { vmstate: DISK_NODE }
  const doJob = async (qmp: Qmp): Promise<void> => {
    await qmp.execute(job, { 'job-id': id, tag: name, devices: [DISK_NODE], ...where })
    const error = await endOfJob(id, qmp, clock, signal)
    if (error !== undefined) throw failed('SNAPSHOT_FAILED', `QEMU cannot ${what} the snapshot "${name}": ${error}`)
  }
  if (what !== 'restore') return void (await withQmp(folder, VM_FILES.work, doJob, options))
  // QEMU goes on with a job that nobody waits for any more.
  const settle = async (qmp: Qmp, inTime: AbortSignal): Promise<void> => void (await endOfJob(id, qmp, clock, inTime))
  await whileStopped(folder, { work: doJob, settle }, { clock, signal })
}

interface StillWork {
  readonly work: (qmp: Qmp) => Promise<void>
  /** Waits until what work began has ended, if work itself did not. */
  readonly settle: (qmp: Qmp, signal: AbortSignal) => Promise<void>
}

/**
 * Has a machine stand still during work. It goes on afterwards, be the work done, failed or broken off: by itself it does neither. Whoever
 * breaks off closes that conversation with QEMU, so another one is had, in which the caller's signal has no say.
 */
export async function whileStopped(
  folder: string,
  { work, settle }: StillWork,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const until = new AbortController()
  const goOn = async (): Promise<void> => {
    const resume = async (qmp: Qmp): Promise<void> => {
      await settle(qmp, until.signal)
      await qmp.execute('cont')
    }
    const options = { clock, signal: until.signal, timeoutMs: GO_ON_MS_MAX }
    await withQmp(folder, VM_FILES.work, resume, options).finally(() => until.abort())
  }
  const stopAndWork = async (qmp: Qmp): Promise<void> => {
    await qmp.execute('stop')
    await work(qmp)
  }
  try {
    await withQmp(folder, VM_FILES.work, stopAndWork, { clock, signal, timeoutMs: SNAPSHOT_MS_MAX })
  } catch (error) {
    // What went wrong first is told.
    await goOn().catch(() => {})
    throw error
  }
  await goOn()
}

/** Waits for a job of QEMU and dismisses it; resolves with what went wrong. */
async function endOfJob(id: string, qmp: Qmp, clock: Clock, signal: AbortSignal): Promise<string | undefined> {
  for (;;) {
    const jobs = await qmp.execute('query-jobs')
    const job: Readonly<Record<string, unknown>> | undefined = Array.isArray(jobs)
      ? jobs.find(each => each.id === id)
      : undefined
    if (job === undefined) return undefined
    if (job['status'] === 'concluded') {
      await qmp.execute('job-dismiss', { id })
      return typeof job['error'] === 'string' ? job['error'] : undefined
    }
    await sleep(clock, POLL_MS, signal)
  }
}
