import { COMPOSE_LABELS } from '../../core/model/compose-labels.ts'
import { taskIdIn } from '../../core/model/labels.ts'
import type { Health, TaskStatus } from '../../core/model/task.ts'
import type { ContainerInspect, ContainerStatus, PortMap } from '../../docker-api/index.ts'

/** Labels by which an agent knows its containers again, besides the task's. */
export const SERVICE_LABEL = 'shoal.service.id'
export const TOKEN_LABEL = 'shoal.fencing-token'
/** The ports of its service that every host answers. */
export const PORTS_LABEL = 'shoal.ports'

/** A container of a task, as the engine shows it: what decisions are made from. */
export interface SeenContainer {
  readonly id: string
  readonly taskId: string
  /** Service and slot, in one word: tasks that have it in common follow each other. */
  readonly place: string
  readonly name: string
  readonly image: string
  /** With the image's part: `python3 /app/web.py`. */
  readonly command: string
  readonly createdAtMs: number
  readonly status: ContainerStatus
  readonly health: Health
  readonly exitCode: number
  readonly outOfMemory: boolean
  /** The engine's own words for why it could not start. */
  readonly error: string
  readonly restarts: number
  /** Absent while it never ran. */
  readonly startedAtMs?: number
  readonly finishedAtMs?: number
  readonly addresses: Readonly<Record<string, string>>
  readonly ports: TaskStatus['ports']
}

/** Reads what the engine says of a container; undefined if it belongs to no task. */
export function readContainer(inspect: ContainerInspect): SeenContainer | undefined {
  const taskId = taskIdIn(inspect.Config.Labels)
  if (taskId === undefined) return undefined
  const { State: state } = inspect
  const startedAtMs = readTime(state.StartedAt)
  const finishedAtMs = readTime(state.FinishedAt)
  return {
    id: inspect.Id,
    taskId,
    place: placeName(
      inspect.Config.Labels?.[SERVICE_LABEL] ?? '',
      inspect.Config.Labels?.[COMPOSE_LABELS.number] ?? '',
    ),
    name: inspect.Name.replace(/^\//, ''),
    image: inspect.Image,
    command: [inspect.Path, ...inspect.Args].join(' '),
    createdAtMs: readTime(inspect.Created) ?? 0,
    status: state.Status,
    health: healthOf(inspect),
    exitCode: state.ExitCode,
    outOfMemory: state.OOMKilled,
    error: state.Error,
    restarts: inspect.RestartCount,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
    addresses: readAddresses(inspect),
    ports: readPorts(inspect.NetworkSettings.Ports),
  }
}

/** Between two runs a container with a check is not known to be well, although engines then show no health. */
function healthOf({ State: state, Config: { Healthcheck: check } }: ContainerInspect): Health {
  const isChecked = check?.Test !== undefined && check.Test.length > 0 && check.Test[0] !== 'NONE'
  return state.Status === 'restarting' && isChecked ? 'starting' : (state.Health?.Status ?? 'none')
}

export function placeName(serviceId: string, slot: string | number): string {
  return `${serviceId}/${slot}`
}

/** Docker writes year 1 for "never". */
function readTime(text: string): number | undefined {
  const ms = Date.parse(text)
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms
}

function readAddresses(inspect: ContainerInspect): Record<string, string> {
  const networks = Object.entries(inspect.NetworkSettings.Networks)
  // A stopped container keeps the address it was made with, and shows none.
  const addresses = networks.map(([name, { IPAddress, IPAMConfig }]) => [name, IPAddress || IPAMConfig?.IPv4Address])
  return Object.fromEntries(addresses.filter(([, address]) => address !== undefined && address !== '')) as Record<
    string,
    string
  >
}

function readPorts(ports: PortMap): TaskStatus['ports'] {
  return Object.entries(ports).flatMap(([port, bindings]) => {
    const [target, protocol] = port.split('/')
    const published = new Set((bindings ?? []).map(binding => Number(binding.HostPort)))
    return [...published].map(host => ({
      published: host,
      target: Number(target),
      protocol: protocol === 'udp' ? ('udp' as const) : ('tcp' as const),
    }))
  })
}

/** Whether its process lives, or will be started again by the engine itself. */
export function isAlive({ status }: SeenContainer): boolean {
  return status === 'running' || status === 'paused' || status === 'restarting'
}

export function isServing(container: SeenContainer): boolean {
  return container.status === 'running' && (container.health === 'none' || container.health === 'healthy')
}
