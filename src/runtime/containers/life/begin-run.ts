import { errorMessage, ShoalError } from '../../../core/errors.ts'
import { invariant } from '../../../core/invariant.ts'
import { removeCgroup } from '../../linux/process/cgroups.ts'
import { identifyProcess } from '../../linux/process/process-identity.ts'
import { writeTerminalSize } from '../attach/terminal-size.ts'
import { explainFullDisk } from '../container-errors.ts'
import { bundleFiles, bundlePath, logPath, stagingPath } from '../engine-paths.ts'
import { planHealth } from '../health/index.ts'
import { closeSharedParts, unstageMounts } from '../host/index.ts'
import { readLogConfig } from '../logs/index.ts'
import type { MonitoredProcess, WaitingMonitor } from '../monitor/conmon.ts'
import type { ContainerRecord, RunningLife } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { bundleConfig, cgroupPath, emptyBundle } from './bundle.ts'
import { sandboxRequestOf } from './sandbox-request.ts'

const EXIT_CANNOT_RUN = 128

type RunCounters = Partial<Pick<ContainerRecord, 'restartCount' | 'restartDelayMs' | 'stoppedByHand'>>

/** Runs a container that does not run; under its lock. Whatever fails is undone, and remembered as its error. */
export async function beginRun(room: Room, id: string, counters: RunCounters): Promise<void> {
  room.hastenMove()
  const starting = room.table.update(id, before => {
    const { health: _, ...rest } = before
    const again = before.life.status === 'restarting' ? ({ again: true } as const) : {}
    return { ...rest, ...counters, life: { status: 'starting', ...again } }
  })
  const record = room.table.get(id)
  const opening = Promise.allSettled([starting, room.roots.mount(id, record.imageId)])
  let monitor: WaitingMonitor | undefined
  try {
    room.exits.forget(id)
    emptyBundle(room, id)
    // Loaded, and the root mounted, beside the network: it is the longest of the three.
    monitor = room.conmon.launch(monitorRequest(room, record))
    const sandbox = await room.sandboxes.open(sandboxRequestOf(record, room.defaults))
    const [written, mounted] = await opening
    for (const step of [written, mounted]) if (step.status === 'rejected') throw step.reason
    invariant(mounted.status === 'fulfilled', 'the root is mounted')
    await room.mounts.enter(id, record.mounts)
    await fillVolumes(room, record, mounted.value)
    const config = await bundleConfig(room, record, { rootPath: mounted.value, sandbox })
    const life = lifeOf(room, await monitor.create(config))
    await sizeTerminal(room, record)
    connectAttaching(room, id)
    await room.runtime.start(id)
    await room.table.update(id, current => ({ ...current, life }))
    await unstageMounts(stagingPath(room.paths, id))
  } catch (error) {
    await Promise.all([opening, monitor?.abandon()])
    await undoRun(room, id, error)
    throw explainFullDisk(error, `start container ${record.name}`, room.paths.bundles)
  }
  watchRun(room, room.table.get(id))
  emitContainer(room, record, 'start')
}

function monitorRequest({ paths }: Room, { id, config, host }: ContainerRecord) {
  return {
    id,
    bundle: bundlePath(paths, id),
    exitFolder: paths.exits,
    tty: config.Tty === true,
    stdin: config.OpenStdin === true,
    // A terminal outlives who sits at it.
    keepStdinOpen: config.OpenStdin === true && (config.StdinOnce !== true || config.Tty === true),
    ...(readLogConfig(host.LogConfig ?? {}) === undefined ? {} : { logPath: logPath(paths, id) }),
  }
}

/** Gives the terminal its size before the container's first process can ask for it. */
async function sizeTerminal({ paths }: Room, { id, config, host }: ContainerRecord): Promise<void> {
  const [height = 0, width = 0] = host.ConsoleSize ?? []
  if (config.Tty !== true || height === 0 || width === 0) return
  await writeTerminalSize(bundleFiles(bundlePath(paths, id)).control, { height, width })
}

function lifeOf({ clock }: Room, { pid, monitorPid }: MonitoredProcess): RunningLife {
  const process = identifyProcess(pid)
  const monitor = identifyProcess(monitorPid)
  if (process === undefined || monitor === undefined) {
    throw new ShoalError('RUNTIME_FAILED', 500, 'The container ended before it was started: see the log of the engine')
  }
  return { status: 'running', process, monitor, startedAtMs: clock.nowMs(), paused: false }
}

async function fillVolumes(room: Room, record: ContainerRecord, rootPath: string): Promise<void> {
  if (record.copiedUp || !record.mounts.some(({ copyUp }) => copyUp)) return
  for (const mount of record.mounts) await room.mounts.copyUp(rootPath, mount)
  await room.table.update(record.id, current => ({ ...current, copiedUp: true }))
}

/** Takes back what a failed start has made, and writes down why it failed. */
async function undoRun(room: Room, id: string, error: unknown): Promise<void> {
  const [exitCode, message] = [exitCodeOf(error), errorMessage(error)]
  room.log.warn({ container: id, error: message }, 'cannot start container')
  for (const stream of takeAttaching(room, id)) stream.finish()
  await clearRun(room, id)
  await room.table
    .update(id, record => ({
      ...record,
      life: { status: 'idle' },
      lastRun: {
        startedAtMs: record.lastRun?.startedAtMs ?? 0,
        finishedAtMs: record.lastRun?.finishedAtMs ?? 0,
        exitCode,
        oomKilled: false,
        error: message,
      },
    }))
    .catch((cause: unknown) => room.log.warn({ container: id, error: errorMessage(cause) }, 'cannot write record'))
  room.waiters.tell(id, ['next-exit'], exitCode)
}

/** The exit code docker gives a container that could not be started. */
export function exitCodeOf(error: unknown): number {
  const code = error instanceof ShoalError ? error.details['exitCode'] : undefined
  return typeof code === 'number' ? code : EXIT_CANNOT_RUN
}

/** Removes what a run had: processes, control groups, network, mounted root. Repeating it is harmless; failures are logged. */
export async function clearRun(room: Room, id: string): Promise<void> {
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      room.log.warn({ container: id, error: errorMessage(error) }, `cannot ${what}`)
    }
  }
  await Promise.all([
    attempt('close the network sandbox', () => room.sandboxes.close(id)),
    attempt('delete the runtime state', () => clearRuntime(room, id)),
  ])
  await attempt('unmount copies of mounts', () => unstageMounts(stagingPath(room.paths, id)))
  await attempt('unmount shared memory', () => closeSharedParts(room, id))
  await attempt('unmount the root', () => room.roots.unmount(id))
  await attempt('unmount the volumes', () => room.mounts.leave(id))
  room.exits.forget(id)
}

async function clearRuntime({ runtime, cgroups, ...room }: Room, id: string): Promise<void> {
  const record = room.table.find(id)
  const hasEnded = room.exits.has(id)
  if (record !== undefined && hasEnded && (await removeCgroup(cgroups, cgroupPath(room, record))))
    await runtime.forget(id)
  else await runtime.delete(id)
}

/** Begins what accompanies a run: health probes, log rotation, and the signal its log followers wait for. */
export function watchRun(room: Room, record: ContainerRecord): void {
  const { id, config, host, life } = record
  invariant(life.status === 'running', 'only runs are watched')
  const bundle = bundleFiles(bundlePath(room.paths, id))
  if (!room.runs.has(id)) room.runs.set(id, new AbortController())
  room.oom.begin(id, bundle.oom)
  const limits = readLogConfig(host.LogConfig ?? {})
  if (limits !== undefined) {
    room.rotator.add(id, { path: logPath(room.paths, id), controlPath: bundle.control, limits })
  }
  const plan = planHealth(config.Healthcheck, config.Shell)
  if (plan !== undefined && !life.paused) {
    const state = record.health === undefined ? {} : { state: record.health }
    room.health.start(id, { plan, startedAtMs: life.startedAtMs, ...state })
  }
}

export function cancelRestart({ restarts }: Room, id: string): void {
  restarts.get(id)?.cancel()
  restarts.delete(id)
}

/** Connects the clients that wait for the container to start. If one cannot be, all of them count as waiting still. */
export function connectAttaching({ attaching, paths }: Pick<Room, 'attaching' | 'paths'>, id: string): void {
  for (const stream of attaching.get(id) ?? []) stream.connect(bundleFiles(bundlePath(paths, id)).attach)
  attaching.delete(id)
}

/** Hands over the clients that wait for the container to start. */
export function takeAttaching({ attaching }: Pick<Room, 'attaching'>, id: string) {
  const streams = attaching.get(id) ?? new Set()
  attaching.delete(id)
  return streams
}
