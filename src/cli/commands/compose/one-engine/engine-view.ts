import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import type { ProjectSummary, ProjectView, TaskView } from '../../../../core/model/control-api.ts'
import type { ServiceSpec } from '../../../../core/model/service.ts'
import type { Health, TaskState } from '../../../../core/model/task.ts'
import type { ContainerSummary, PortSummary } from '../../../../docker-api/index.ts'
import { isUp, type Known, known, replicasOf } from './known-containers.ts'

/** A project as the containers of one engine tell of it; undefined if there are none. Pure. */
export function engineView(project: string, containers: readonly Known[]): ProjectView | undefined {
  const [first] = containers
  if (first === undefined) return undefined
  const replicas = replicasOf(containers)
  const tasks = replicas.map(each => taskOf(project, each))
  const names = [...new Set(replicas.map(({ service }) => service))]
  const { Labels } = first.summary
  const workingDir = Labels[COMPOSE_LABELS.workingDir]
  const configFiles = Labels[COMPOSE_LABELS.configFiles]
  return {
    spec: {
      name: project,
      services: names.map(name => serviceOf(name, replicasOf(replicas, name))),
      networks: [],
      volumes: [],
      ...(workingDir === undefined ? {} : { workingDir }),
      ...(configFiles === undefined ? {} : { configFiles: configFiles.split(',') }),
    },
    removing: false,
    services: names.map(name => progressOf(name, tasks)),
    tasks,
  }
}

/** The projects that an engine has containers of. Pure. */
export function engineProjects(summaries: readonly ContainerSummary[]): readonly ProjectSummary[] {
  const byProject = Map.groupBy(summaries, ({ Labels }) => Labels[COMPOSE_LABELS.project] ?? '')
  const names = [...byProject.keys()].filter(name => name !== '').sort()
  return names.map(name => {
    const containers = (byProject.get(name) ?? []).map(known)
    const replicas = replicasOf(containers)
    const running = replicas.filter(isUp).length
    const files = containers
      .map(({ summary }) => summary.Labels[COMPOSE_LABELS.configFiles] ?? '')
      .find(text => text !== '')
    return {
      name,
      services: new Set(replicas.map(({ service }) => service)).size,
      wanted: running,
      running,
      converged: true,
      removing: false,
      status: statusOf(replicas),
      ...(files === undefined ? {} : { configFiles: files.split(',') }),
    }
  })
}

/** `exited(1), running(2)`. */
function statusOf(replicas: readonly Known[]): string {
  const counts = Map.groupBy(replicas, ({ summary }) => summary.State)
  return [...counts]
    .map(([state, group]) => `${state}(${group.length})`)
    .sort()
    .join(', ')
}

function serviceOf(name: string, replicas: readonly Known[]): ServiceSpec {
  return {
    name,
    replicas: replicas.length,
    container: { image: replicas[0]?.summary.Image ?? '' },
    limits: {},
    reservations: {},
    constraints: [],
    networks: [],
    ports: [],
    restart: { condition: 'none' },
    dependsOn: [],
  }
}

function progressOf(name: string, all: readonly TaskView[]): ProjectView['services'][number] {
  const tasks = all.filter(({ service }) => service === name)
  const running = tasks.filter(({ state }) => state === 'running')
  const healthy = running.filter(({ health }) => health === 'none' || health === 'healthy')
  const done = tasks.filter(({ state }) => state === 'complete')
  return {
    name,
    wanted: tasks.length,
    running: running.length,
    healthy: healthy.length,
    converged: healthy.length + done.length === tasks.length,
  }
}

function taskOf(project: string, container: Known): TaskView {
  const { id, name, service, number, summary } = container
  const { State, Status, Image, Command, Created, Ports } = summary
  const exitCode = /^Exited \((\d+)\)/.exec(Status)?.[1]
  const createdAtMs = Created * 1_000
  return {
    id,
    name,
    project,
    service,
    slot: number,
    image: Image,
    command: Command,
    state: stateOf(container, exitCode),
    desired: 'running',
    health: healthOf(Status),
    containerId: id,
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
    restarts: 0,
    ports: Ports.toSorted((a, b) => a.PrivatePort - b.PrivatePort).map(portText),
    createdAtMs,
    ...(State === 'created' ? {} : { startedAtMs: createdAtMs }),
    shown: { state: State, status: Status },
  }
}

function stateOf(container: Known, exitCode: string | undefined): TaskState {
  if (isUp(container)) return 'running'
  if (container.summary.State === 'created') return 'starting'
  return exitCode === '0' ? 'complete' : 'failed'
}

function healthOf(status: string): Health {
  const [, word] = /\((?:health: )?(starting|healthy|unhealthy)\)$/.exec(status) ?? []
  return word === 'starting' || word === 'healthy' || word === 'unhealthy' ? word : 'none'
}

function portText({ IP, PublicPort, PrivatePort, Type }: PortSummary): string {
  if (PublicPort === undefined) return `${PrivatePort}/${Type}`
  const host = IP?.includes(':') ? `[${IP}]` : (IP ?? '0.0.0.0')
  return `${host}:${PublicPort}->${PrivatePort}/${Type}`
}
