import { type Clock, sleep } from '../../core/clock.ts'
import { conflict, errorMessage, failed, isTransient, ShoalError, TransientError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { taskIdIn } from '../../core/model/labels.ts'
import type { NetworkRecord, VolumeRecord } from '../../core/model/node.ts'
import { type TaskRecord, taskContainerName } from '../../core/model/task.ts'
import { type Engine, type MountRequest, runHooks } from '../../docker-api/index.ts'
import type { ClaimedAddress, Overlay, PeerImages } from '../ports.ts'
import type { ContainerWatcher } from './container-watcher.ts'
import { toCreateRequest } from './create-request.ts'
import { ensureImage } from './ensure-image.ts'
import { isAlive, type SeenContainer } from './seen-container.ts'
import type { StatusReporter } from './status-reporter.ts'
import type { TaskFiles } from './task-files.ts'
import { statusOfContainer, statusWithoutContainer } from './task-status.ts'

/** What the manager wrote of the things that tasks use. */
interface ClusterObjects {
  readonly network: (name: string) => NetworkRecord | undefined
  readonly volume: (name: string) => VolumeRecord | undefined
}

export interface TaskRunnerPorts {
  readonly engine: Engine
  readonly overlay: Overlay
  readonly peers: PeerImages
  readonly files?: TaskFiles
  readonly objects: ClusterObjects
  readonly watcher: ContainerWatcher
  readonly reporter: StatusReporter
  readonly clock: Clock
  readonly log: Log
}

/** How long the record of a network may lag behind that of a task that uses it. */
const RECORD_LAG_MS = 3_000
const RECORD_POLL_MS = 100

/**
 * Brings one task to run, or finishes what an earlier try began. Every step finds what is there already. `signal` ends
 * the work as soon as the task is no longer wanted; nothing is started after that.
 */
export async function runTask(
  node: string,
  task: TaskRecord,
  ports: TaskRunnerPorts,
  signal: AbortSignal,
): Promise<void> {
  const { engine, watcher, reporter } = ports
  const say = (state: 'preparing' | 'starting'): void =>
    reporter.report(statusWithoutContainer(task, node, { state, before: reporter.statuses.get(task.id) }))
  say('preparing')
  const networks = await ensureNetworks(task, ports, signal)
  // A container that runs already was let in when it was started.
  if (networks.some(network => !network.internal)) await ports.overlay.takePorts(task.spec.ports)
  const addresses = await claimAddresses(task, networks, ports)
  const found = watcher.ofTask(task.id)
  const keep = found !== undefined && hasAddresses(found.addresses, addresses)
  if (found !== undefined && !keep) await discard(found.id, ports)
  // In memory, some of them: after a reboot they are not there any more.
  const files = await placeFiles(task, ports)
  let id = found?.id
  if (id === undefined || !keep) {
    await ensureVolumes(task, ports)
    await ensureImage(task.spec.container, ports, signal)
    await clearName(task, ports)
    signal.throwIfAborted()
    const made = await engine.containers.create(toCreateRequest(task, { node, addresses, files }), {
      name: taskContainerName(task),
    })
    id = made.Id
    // Known before it runs, so that no successor starts beside it.
    await watcher.refresh(id)
  }
  try {
    say('starting')
    signal.throwIfAborted()
    await engine.containers.start(id)
    await afterStart(id, task, ports, signal)
  } finally {
    // The next decision must see the container, whatever became of it.
    await watcher.refresh(id)
  }
  if (task.spec.container.postStart === undefined) return
  const prepared = watcher.ofTask(task.id)
  const before = reporter.statuses.get(task.id)
  // Said here, as the next decision knows no other way that the hooks have run.
  if (prepared !== undefined && isAlive(prepared))
    reporter.report(statusOfContainer(prepared, node, { ended: false, before }))
}

/** Of each hook: it may migrate a database. */
const START_HOOK_MS = 300_000

async function afterStart(id: string, task: TaskRecord, ports: TaskRunnerPorts, signal: AbortSignal): Promise<void> {
  const { engine, clock } = ports
  const { service, spec } = task
  const { postStart: hooks = [] } = spec.container
  try {
    await runHooks(id, { service, kind: 'post_start', hooks, deadlineMs: START_HOOK_MS }, { engine, clock, signal })
  } catch (error) {
    signal.throwIfAborted()
    const ended = await badEnd(id, task, ports, signal)
    if (ended === undefined) throw error
    // Its end is told by itself; one that the engine starts again would have the hooks again, and again.
    if (isAlive(ended)) throw failed('CONTAINER_ENDED', `The container exited with code ${ended.exitCode}`)
  }
}

/** A container that has just ended is known to have by its engine after a moment. */
const END_LAG_MS = 500
const END_POLL_MS = 100

/** The container, if it has ended badly: nothing could be done in it then, and how it ended says why. */
async function badEnd(
  id: string,
  { id: taskId }: TaskRecord,
  { watcher, clock }: TaskRunnerPorts,
  signal: AbortSignal,
): Promise<SeenContainer | undefined> {
  for (let waitedMs = 0; waitedMs <= END_LAG_MS; waitedMs += END_POLL_MS) {
    await watcher.refresh(id)
    const seen = watcher.ofTask(taskId)
    if (seen?.status !== 'running') return seen === undefined || seen.exitCode === 0 ? undefined : seen
    await sleep(clock, END_POLL_MS, signal)
  }
  return undefined
}

async function ensureNetworks(task: TaskRecord, ports: TaskRunnerPorts, signal: AbortSignal): Promise<NetworkRecord[]> {
  if (task.spec.container.networkMode !== undefined) return []
  const networks: NetworkRecord[] = []
  for (const { network } of task.spec.networks) {
    const record = await awaitNetwork(network, ports, signal)
    await ports.overlay.ensureNetwork(record)
    networks.push(record)
  }
  return networks
}

/** Task and network come by different watches, in any order. */
async function awaitNetwork(
  name: string,
  { objects, clock }: TaskRunnerPorts,
  signal: AbortSignal,
): Promise<NetworkRecord> {
  for (let waitedMs = 0; waitedMs <= RECORD_LAG_MS; waitedMs += RECORD_POLL_MS) {
    const record = objects.network(name)
    if (record !== undefined) return record
    await sleep(clock, RECORD_POLL_MS, signal)
  }
  throw failed('NETWORK_MISSING', `The cluster has no network ${name}: apply the project again`)
}

async function claimAddresses(
  task: TaskRecord,
  networks: readonly NetworkRecord[],
  { overlay }: TaskRunnerPorts,
): Promise<Map<string, ClaimedAddress>> {
  const addresses = new Map<string, ClaimedAddress>()
  for (const network of networks) {
    const aliases = task.spec.networks.find(attachment => attachment.network === network.name)?.aliases ?? []
    const claimed = await overlay.claimAddress(network, {
      taskId: task.id,
      serviceId: task.serviceId,
      names: [...new Set([taskContainerName(task), task.service, ...aliases])],
    })
    if (claimed !== undefined) addresses.set(network.name, claimed)
  }
  return addresses
}

/** A container that was made with other addresses than the task has now cannot be used. */
function hasAddresses(has: Readonly<Record<string, string>>, wanted: ReadonlyMap<string, ClaimedAddress>): boolean {
  return [...wanted].every(([network, { address }]) => has[network] === address)
}

async function placeFiles(task: TaskRecord, { files }: TaskRunnerPorts): Promise<readonly MountRequest[]> {
  const { files: wanted = [] } = task.spec.container
  if (wanted.length === 0) return []
  if (files !== undefined) return files.place(task)
  const { kind, name } = wanted[0] ?? {}
  throw failed(
    'FILES_UNSUPPORTED',
    `This node cannot give containers the ${kind} ${name}: constrain the service to others`,
  )
}

async function ensureVolumes(task: TaskRecord, { engine, objects }: TaskRunnerPorts): Promise<void> {
  for (const { type, source } of task.spec.container.mounts ?? []) {
    if (type !== 'volume' || source === undefined) continue
    const record = objects.volume(source)
    await engine.volumes.create({
      Name: source,
      ...(record === undefined
        ? {}
        : { Driver: record.driver, DriverOpts: record.driverOptions, Labels: record.labels }),
    })
  }
}

/**
 * Frees the container's name: the task that this one replaces may still be stopping, and its container then goes on
 * under another name. A container that is not ours keeps its name, and we fail.
 */
async function clearName(task: TaskRecord, { engine, watcher }: TaskRunnerPorts): Promise<void> {
  const name = taskContainerName(task)
  try {
    const holder = await engine.containers.inspect(name)
    if (holder.Name.replace(/^\//, '') !== name) return
    const owner = taskIdIn(holder.Config.Labels)
    if (owner === undefined) {
      throw conflict('NAME_TAKEN', `A container that is not part of the cluster is called ${name}: rename or remove it`)
    }
    await engine.containers.rename(holder.Id, `${name}-${owner}`)
    await watcher.refresh(holder.Id)
  } catch (error) {
    if (!(error instanceof ShoalError && error.status === 404)) throw error
  }
}

async function discard(id: string, { engine, watcher }: TaskRunnerPorts): Promise<void> {
  await engine.containers.remove(id, { force: true, volumes: true })
  await watcher.refresh(id)
}

const TRIES_MAX = 4
const RETRY_FIRST_MS = 1_000
const RETRY_MAX_MS = 15_000

/** What follows a try that failed: another one, later, if the failure may pass; otherwise none. Pure. */
export function afterFailure(
  error: unknown,
  { tries, nowMs }: { tries: number; nowMs: number },
): { readonly tries: number; readonly error: string; readonly retryAtMs?: number } {
  const message = errorMessage(error)
  // A store that is away takes as long as it takes: the task is as good as before.
  const mayPass = isTransient(error) && (tries < TRIES_MAX || isStoreOutage(error))
  if (!mayPass) return { tries, error: message }
  return { tries, error: message, retryAtMs: nowMs + Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (tries - 1)) }
}

function isStoreOutage(error: unknown): boolean {
  return error instanceof TransientError && error.code === 'STORE_UNAVAILABLE'
}
