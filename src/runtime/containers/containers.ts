import { mkdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Clock, sleep } from '../../core/clock.ts'
import { errorMessage, failed, invalidInput } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { ContainerOperations, ExecOperations } from '../../docker-api/index.ts'
import type { EventBus } from '../events/index.ts'
import { cgroupHastener } from '../linux/process/cgroup-haste.ts'
import { type CgroupLayout, detectCgroups, removeCgroup } from '../linux/process/cgroups.ts'
import { findProgram } from '../linux/process/run-command.ts'
import type { ContainerMounts, ContainerRoots, ImageCommits, Joined, NetworkSandboxes } from '../ports.ts'
import { attachContainer, containerLogs, resizeContainer } from './attach/attach-container.ts'
import { ParkedSockets } from './attach/parked-sockets.ts'
import type { ContainerDefaults } from './container-defaults.ts'
import { checkContainerName } from './container-name.ts'
import { ContainerTable } from './container-table.ts'
import { enginePaths } from './engine-paths.ts'
import { ExecTable } from './exec/exec-table.ts'
import { fileOperations } from './files/file-operations.ts'
import { HealthMonitor, PROBE_OUTPUT_BYTES_MAX } from './health/index.ts'
import { readHostFacts } from './host/index.ts'
import { createContainer } from './life/create-container.ts'
import { endRun } from './life/end-run.ts'
import { OomWatch } from './life/oom-watch.ts'
import { checkRunning, recoverContainers } from './life/recover.ts'
import { removeContainer } from './life/remove-container.ts'
import { restartContainer, startContainer } from './life/start-container.ts'
import { killContainer, pauseContainer, stopContainer, unpauseContainer } from './life/stop-container.ts'
import { type WaitCondition, Waiters } from './life/waiters.ts'
import { LogRotator, logDisk } from './logs/index.ts'
import { Conmon } from './monitor/conmon.ts'
import { ExitFiles } from './monitor/exit-files.ts'
import { FileFact } from './monitor/file-fact.ts'
import { OciRuntime } from './monitor/oci-runtime.ts'
import { changeNetworks, joinedNetworks, type NetworkChange } from './network-membership.ts'
import { isRunning } from './record.ts'
import { emitContainer, type Room } from './room.ts'
import { topOf } from './top/index.ts'
import { statusOf } from './views/container-state.ts'
import { inspectContainer } from './views/inspect-container.ts'
import { listContainers } from './views/list-containers.ts'

/** Exits are told by inotify; this is for what it lost, and for monitors that were killed. */
const CHECK_EVERY_MS = 5_000

export interface ContainersOptions {
  readonly dataRoot: string
  readonly execRoot: string
  readonly cgroupParent: string
  /** OCI runtime: a name or a path. */
  readonly runtime: string
  /** Init binary for containers that ask for one; absent: one that is found in PATH. */
  readonly initPath?: string
  readonly defaults: ContainerDefaults
}

export interface ContainersPorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly events: EventBus
  readonly roots: ContainerRoots
  readonly sandboxes: NetworkSandboxes
  readonly mounts: ContainerMounts
  readonly commits: ImageCommits
}

/** The container room of an engine. */
export interface Containers {
  readonly operations: ContainerOperations
  readonly exec: ExecOperations
  readonly cgroups: CgroupLayout
  /** What runs containers here. */
  readonly programs: { readonly runtime: { readonly name: string; readonly path: string }; readonly init?: string }
  readonly versions: () => Promise<{ readonly runtime: string; readonly conmon: string }>
  readonly counts: () => { readonly running: number; readonly paused: number; readonly stopped: number }
  /** Which containers use an image. */
  readonly usersOf: (imageId: string) => { readonly containerId: string; readonly running: boolean }[]
  /** Full id of a container. Throws docker's 404. */
  readonly locate: (reference: string) => { readonly id: string }
  /** Calls `change` with what the container is on, when nothing else happens to it, and remembers what it resolves with. */
  readonly changeNetworks: (id: string, change: (container: Joined) => Promise<NetworkChange>) => Promise<void>
  /** Stops looking after containers; they keep running. */
  readonly close: () => Promise<void>
}

/** Opens the container room: adopts what runs, repairs what was half done, then watches for exits. */
export async function openContainers(options: ContainersOptions, ports: ContainersPorts): Promise<Containers> {
  const closing = new AbortController()
  const { room, exec } = await makeRoom(options, ports, closing.signal)
  room.exits.watch(
    id => void endRun(room, id).catch((error: unknown) => complain(room, error)),
    error => complain(room, error),
  )
  await recoverContainers(room)
  const checking = keepChecking(room)
  return {
    operations: operationsOf(room),
    exec: exec.operations,
    cgroups: room.cgroups,
    programs: programsOf(room),
    versions: programVersions(room),
    counts: () => countStates(room),
    usersOf: imageId =>
      room.table
        .all()
        .filter(record => record.imageId === imageId)
        .map(record => ({ containerId: record.id, running: isRunning(record) })),
    locate: reference => ({ id: room.table.get(reference).id }),
    changeNetworks: (id, change) =>
      room.locks.run(id, async () => {
        const record = room.table.get(id)
        const { networkMode } = record
        const joined = { id, networkMode, running: isRunning(record), networks: joinedNetworks(record) }
        const made = await change(joined)
        await room.table.update(id, current => changeNetworks(current, made))
      }),
    close: async () => {
      closing.abort(failed('ENGINE_CLOSED', 'The engine is shutting down'))
      room.exits.close()
      room.health.close()
      room.rotator.close()
      room.oom.close()
      exec.close()
      room.parked.close()
      for (const timer of room.restarts.values()) timer.cancel()
      await checking
      // What is under way ends first: the next engine must not find it half done.
      await Promise.all(room.table.all().map(({ id }) => room.locks.run(id, async () => {})))
      room.runtime.close()
      if (!room.table.all().some(isRunning)) await removeCgroup(room.cgroups, room.cgroupParent)
    },
  }
}

function programsOf({ runtime, facts }: Room): Containers['programs'] {
  const { initPath } = facts
  return {
    runtime: { name: basename(runtime.path), path: runtime.path },
    ...(initPath === undefined ? {} : { init: basename(initPath) }),
  }
}

function programVersions({ runtime, conmon }: Room): Containers['versions'] {
  const ofRuntime = new FileFact(runtime.path, () => runtime.version())
  const ofConmon = new FileFact(conmon.path, () => conmon.version())
  return async () => ({ runtime: await ofRuntime.get(), conmon: await ofConmon.get() })
}

async function makeRoom(
  options: ContainersOptions,
  ports: ContainersPorts,
  closing: AbortSignal,
): Promise<{ readonly room: Room; readonly exec: ExecTable }> {
  const { clock, log } = ports
  const paths = enginePaths(options)
  const { records: _, ...execFolders } = paths
  for (const folder of Object.values(execFolders)) await mkdir(folder, { recursive: true, mode: 0o700 })
  const cgroups = detectCgroups()
  const runtime = new OciRuntime(needProgram(options.runtime), paths.runtimeState, clock)
  const base = {
    ...ports,
    paths,
    closing,
    runtime,
    conmon: new Conmon(needProgram('conmon'), runtime, clock),
    table: await ContainerTable.open(paths.records, log),
    facts: await readHostFacts(cgroups, options),
  }
  const exec = new ExecTable(base)
  const room: Room = {
    ...base,
    cgroupParent: options.cgroupParent,
    defaults: options.defaults,
    cgroups,
    hastenMove: cgroupHastener(cgroups),
    locks: new KeyedLock(),
    exits: new ExitFiles(paths.exits, clock),
    waiters: new Waiters(),
    health: makeHealth(base, exec),
    rotator: new LogRotator({ clock, log, disk: logDisk(clock) }),
    oom: new OomWatch(id => {
      const record = base.table.find(id)
      if (record !== undefined) emitContainer(base, record, 'oom')
    }),
    attaching: new Map(),
    parked: new ParkedSockets(),
    runs: new Map(),
    restarts: new Map(),
    rootUses: new Map(),
  }
  return { room, exec }
}

function makeHealth(room: Pick<Room, 'table' | 'clock' | 'events' | 'log'>, exec: ExecTable): HealthMonitor {
  return new HealthMonitor({
    clock: room.clock,
    exec: {
      run: (id, argv, { signal }) => exec.run(id, argv, { signal, outputBytesMax: PROBE_OUTPUT_BYTES_MAX + 1 }),
    },
    onProbe: (id, health, changed) => {
      const record = room.table.find(id)
      if (record === undefined || !changed) return
      emitContainer(room, record, `health_status: ${health.Status}`)
      room.table
        .update(id, current => (isRunning(current) ? { ...current, health } : current))
        .catch((error: unknown) => complain(room, error))
    },
  })
}

function needProgram(name: string): string {
  const path = findProgram(name)
  if (path === undefined) {
    throw failed('PROGRAM_MISSING', `Cannot find ${name}: install the package of that name, or give its path`)
  }
  return path
}

function operationsOf(room: Room): ContainerOperations {
  return {
    create: (request, options) => createContainer(room, request, options),
    list: options => listContainers(room, options),
    inspect: (id, options) => inspectContainer(room, id, options),
    start: id => startContainer(room, id),
    stop: (id, options) => stopContainer(room, id, options),
    kill: (id, signal) => killContainer(room, id, signal),
    restart: (id, options) => restartContainer(room, id, options),
    pause: id => pauseContainer(room, id),
    unpause: id => unpauseContainer(room, id),
    rename: (id, name) => renameContainer(room, id, name),
    remove: (id, options) => removeContainer(room, id, options),
    wait: (id, { condition }, signal) => waitForContainer(room, id, condition, signal),
    logs: (id, options, signal) => containerLogs(room, id, options, signal),
    attach: (id, options) => attachContainer(room, id, options),
    resize: (id, size) => resizeContainer(room, id, size),
    top: (id, options) => topOf(room, id, options),
    ...fileOperations(room),
  }
}

async function waitForContainer(
  room: Room,
  reference: string,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<{ readonly StatusCode: number }> {
  const { id, life, lastRun } = room.table.get(reference)
  const runs = life.status === 'running' || life.status === 'restarting' || life.status === 'starting'
  if (condition === 'not-running' && !runs) return { StatusCode: lastRun?.exitCode ?? 0 }
  return { StatusCode: await room.waiters.wait(id, condition, signal) }
}

async function renameContainer(room: Room, reference: string, wished: string): Promise<void> {
  const { id } = room.table.get(reference)
  const name = checkContainerName(wished)
  await room.locks.run(id, async () => {
    const before = room.table.get(id)
    if (before.name === name) {
      throw invalidInput('SAME_NAME', 'Renaming a container with the same name as its current name')
    }
    await room.table.update(id, record => ({ ...record, name }))
    room.sandboxes.rename(id, name)
    emitContainer(room, room.table.get(id), 'rename', { oldName: `/${before.name}` })
  })
}

function countStates(room: Room): { running: number; paused: number; stopped: number } {
  const states = room.table.all().map(statusOf)
  const running = states.filter(state => state === 'running' || state === 'restarting').length
  const paused = states.filter(state => state === 'paused').length
  return { running, paused, stopped: states.length - running - paused }
}

async function keepChecking(room: Room): Promise<void> {
  try {
    for (;;) {
      await sleep(room.clock, CHECK_EVERY_MS, room.closing)
      await checkRunning(room)
    }
  } catch (error) {
    if (!room.closing.aborted) throw error
  }
}

function complain({ log }: Pick<Room, 'log'>, error: unknown): void {
  log.error({ error: errorMessage(error) }, 'container room')
}
