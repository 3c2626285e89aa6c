import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { sleep } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import { mapParallel } from '../../../core/parallel.ts'
import { cgroupProcesses, childCgroups, removeCgroup } from '../../linux/process/cgroups.ts'
import { identifyProcess, isAlive, type ProcessIdentity, sendSignal } from '../../linux/process/process-identity.ts'
import { bundleFiles, bundlePath, stagingPath } from '../engine-paths.ts'
import { closeSharedParts, unstageMounts } from '../host/index.ts'
import { type ContainerRecord, isRunning } from '../record.ts'
import type { Room } from '../room.ts'
import { clearRun, watchRun } from './begin-run.ts'
import { removeBundle } from './bundle.ts'
import { discardContainer } from './create-container.ts'
import { EXIT_UNKNOWN, endRun, scheduleRestart, settleEnd, wasOomKilled } from './end-run.ts'
import { killOrphans } from './kill-orphans.ts'
import { type LeftBehind, planRecovery, type RecoveryStep } from './plan-recovery.ts'
import { removeUnderLock } from './remove-container.ts'
import { sandboxRequestOf } from './sandbox-request.ts'

const PARALLEL = 4

/**
 * Takes over what an earlier engine left: adopts what runs, settles what ended, finishes or undoes what was half done, and
 * removes what belongs to no container. Containers that shall start are started in the background.
 */
export async function recoverContainers(room: Room): Promise<void> {
  const plans = await mapParallel(room.table.all(), PARALLEL, async record => {
    const found = await lookAt(room, record)
    return { record: found.record, step: planRecovery(found.record, found.seen) }
  })
  const adopted = plans.filter(({ step }) => step.do === 'adopt').map(({ record }) => record)
  await killOrphans(room.paths, new Set(adopted.map(({ id }) => id)), room.clock)
  await room.sandboxes.restore(adopted.map(record => sandboxRequestOf(record, room.defaults)))
  for (const { id, mounts } of adopted) room.mounts.adopt(id, mounts)
  await mapParallel(adopted, PARALLEL, record => room.locks.run(record.id, () => adopt(room, record)))
  await mapParallel(
    plans.filter(({ step }) => step.do !== 'adopt'),
    PARALLEL,
    ({ record, step }) => room.locks.run(record.id, () => perform(room, record, step)),
  )
  await removeLeftovers(room)
}

interface Found {
  readonly record: ContainerRecord
  readonly seen: LeftBehind
}

async function lookAt(room: Room, record: ContainerRecord): Promise<Found> {
  const hasExitFile = room.exits.has(record.id)
  const current = record.life.status === 'starting' ? await findStarted(room, record) : record
  const life = isRunning(current) ? current.life : undefined
  const processAlive = life !== undefined && isAlive(life.process)
  const monitorAlive = life !== undefined && isAlive(life.monitor)
  // Its life is only taken as running if it does run.
  const known = record.life.status === 'starting' && !(processAlive && monitorAlive) ? record : current
  return { record: known, seen: { hasExitFile, processAlive, monitorAlive } }
}

/** A container that was being started: did the engine die just before it could write down that it runs? */
async function findStarted(room: Room, record: ContainerRecord): Promise<ContainerRecord> {
  const files = bundleFiles(bundlePath(room.paths, record.id))
  const [process, monitor] = await Promise.all([identifyFrom(files.pid), identifyFrom(files.monitorPid)])
  if (process === undefined || monitor === undefined) return record
  const state = await room.runtime.state(record.id)
  if (state?.status !== 'running' || state.pid !== process.pid) return record
  const startedAtMs = Math.floor((await stat(files.pid)).mtimeMs)
  return { ...record, life: { status: 'running', process, monitor, startedAtMs, paused: false } }
}

async function identifyFrom(pidFile: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(pidFile, 'utf8').catch(() => '')
  const pid = Number(text.trim())
  return pid > 0 ? identifyProcess(pid) : undefined
}

async function adopt(room: Room, found: ContainerRecord): Promise<void> {
  // It may have ended, and been settled, since it was looked at.
  await room.table.update(found.id, current => (current.life.status === 'starting' ? found : current))
  const record = room.table.find(found.id)
  if (record !== undefined && isRunning(record)) watchRun(room, record)
}

async function perform(room: Room, record: ContainerRecord, step: RecoveryStep): Promise<void> {
  const { id } = record
  switch (step.do) {
    case 'discard':
      await clearRun(room, id)
      return discardContainer(room, id)
    case 'remove':
      return removeUnderLock(room, id, { anonymousVolumes: step.anonymousVolumes })
    case 'settle':
      return settleFound(room, record, step.lost)
    case 'kill':
      await room.runtime.delete(id)
      return settleFound(room, record, true)
    case 'undo-start':
      await clearRun(room, id)
      await room.table.update(id, current => ({ ...current, life: { status: 'idle' } }))
      return step.start ? startSoon(room, id, 0) : undefined
    case 'restart':
      await clearRun(room, id)
      return startSoon(room, id, Math.max(0, step.dueAtMs - room.clock.nowMs()))
    case 'start':
      await clearRun(room, id)
      return startSoon(room, id, 0)
    case 'adopt':
    case 'nothing':
      return undefined
  }
}

/** A container that ended while no engine looked; if it was lost, all that is known is that it does not run. */
async function settleFound(room: Room, record: ContainerRecord, lost: boolean): Promise<void> {
  const startedAtMs = isRunning(record) ? record.life.startedAtMs : room.clock.nowMs()
  const file = lost ? undefined : room.exits.read(record.id)
  const error = file === undefined ? 'It ended while the engine did not run, and its exit code is not known' : ''
  const exitCode = file?.exitCode ?? EXIT_UNKNOWN
  const finishedAtMs = Math.max(startedAtMs, file?.finishedAtMs ?? room.clock.nowMs())
  await settleEnd(room, record, {
    startedAtMs,
    exitCode,
    finishedAtMs,
    oomKilled: wasOomKilled(room, record.id),
    error,
  })
}

async function startSoon(room: Room, id: string, delayMs: number): Promise<void> {
  const dueAtMs = room.clock.nowMs() + delayMs
  await room.table.update(id, record => ({ ...record, life: { status: 'restarting', dueAtMs } }))
  scheduleRestart(room, id, delayMs)
}

/** Removes roots, bundles, execs, exit files and control groups that no running container owns. */
async function removeLeftovers(room: Room): Promise<void> {
  const { paths, table, roots, exits } = room
  // Under the lock: by now a container may be starting that did not run before.
  const unlessRunning = (id: string, remove: () => Promise<void>): Promise<void> =>
    room.locks.run(id, async () => {
      if (table.find(id)?.life.status !== 'running') await remove()
    })
  for (const id of await roots.list()) {
    await unlessRunning(id, () => (table.find(id) === undefined ? roots.remove(id) : roots.unmount(id)))
  }
  for (const id of await childCgroups(room.cgroups, room.cgroupParent)) {
    await unlessRunning(id, () => removeStrayCgroup(room, id))
  }
  for (const id of await readdir(paths.bundles)) {
    await unlessRunning(id, async () => removeBundle(room, id))
  }
  for (const id of await readdir(paths.staging)) await unstageMounts(stagingPath(paths, id))
  for (const id of await readdir(paths.shm)) await unlessRunning(id, () => closeSharedParts(room, id))
  for (const id of exits.list()) await unlessRunning(id, async () => exits.forget(id))
  for (const id of await readdir(paths.execs)) await rm(join(paths.execs, id), { recursive: true, force: true })
}

const STRAY_ROUNDS_MAX = 100
const STRAY_ROUND_MS = 20

async function removeStrayCgroup({ cgroups, cgroupParent, log, runtime, clock }: Room, id: string): Promise<void> {
  const path = join(cgroupParent, id)
  log.warn({ container: id }, 'removing a control group that no container owns')
  await runtime.delete(id).catch(() => {})
  for (let round = 0; round < STRAY_ROUNDS_MAX; round++) {
    for (const pid of await cgroupProcesses(cgroups, path)) {
      const process = identifyProcess(pid)
      if (process !== undefined) sendSignal(process, constants.signals.SIGKILL)
    }
    if (await removeCgroup(cgroups, path)) return
    // What was killed is not gone at once.
    await sleep(clock, STRAY_ROUND_MS)
  }
  log.warn({ container: id }, 'its processes do not end, the control group stays')
}

/**
 * Looks at every running container once: for exits whose notice was missed, and for containers that lost their monitor.
 */
export async function checkRunning(room: Room): Promise<void> {
  for (const record of room.table.all()) {
    if (!isRunning(record) || isAlive(record.life.monitor)) continue
    try {
      if (!room.exits.has(record.id)) await endUnmonitored(room, record)
      else await endRun(room, record.id)
    } catch (error) {
      room.log.warn({ container: record.id, error: errorMessage(error) }, 'cannot settle container')
    }
  }
}

async function endUnmonitored(room: Room, { id }: ContainerRecord): Promise<void> {
  await room.locks.run(id, async () => {
    const record = room.table.find(id)
    // Under the lock everything is looked at again: the exit may have been settled, and a new run begun.
    if (record === undefined || !isRunning(record) || isAlive(record.life.monitor)) return
    if (room.exits.has(id)) return
    sendSignal(record.life.process, constants.signals.SIGKILL)
    await settleEnd(room, record, {
      startedAtMs: record.life.startedAtMs,
      finishedAtMs: room.clock.nowMs(),
      exitCode: EXIT_UNKNOWN,
      oomKilled: false,
      error: 'Its monitor was killed, so the container was ended',
    })
  })
}
