import type {
  ContainerCreateRequest,
  ContainerInspect,
  ContainerState,
  ContainerSummary,
} from '../../src/docker-api/index.ts'

/** A container as the fake engine remembers it. */
export interface FakeContainer {
  readonly id: string
  name: string
  readonly request: ContainerCreateRequest
  readonly createdMs: number
  state: ContainerState
  restarts: number
  pid: number
}

/** `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const [key = '', ...value] = wanted.split('=')
  return key in labels && (value.length === 0 || labels[key] === value.join('='))
}

export function summaryOf({ id, name, request, state }: FakeContainer): ContainerSummary {
  const { Image = '', Labels = {} } = request
  const { Status: State } = state
  const about = { Id: id, Names: [`/${name}`], Image, ImageID: Image, Labels, State, Status: State }
  return { ...about, Mounts: [], Ports: [] } as unknown as ContainerSummary
}

/** What Docker says of a time that has not come. */
export const NEVER = '0001-01-01T00:00:00Z'

/** Of a container that was never started. */
export const CREATED: ContainerState = {
  Status: 'created',
  Running: false,
  Paused: false,
  Restarting: false,
  OOMKilled: false,
  Dead: false,
  Pid: 0,
  ExitCode: 0,
  Error: '',
  StartedAt: NEVER,
  FinishedAt: NEVER,
}

/** The health of one that was just started. */
export const STARTING = { Status: 'starting', FailingStreak: 0, Log: [] } as const

export function inspectOf({ id, name, request, state, restarts, createdMs }: FakeContainer): ContainerInspect {
  const endpoints = Object.entries(request.NetworkingConfig?.EndpointsConfig ?? {})
  const networks = endpoints.map(([network, { IPAMConfig, Aliases }]) => [
    network,
    { IPAddress: state.Running ? (IPAMConfig?.IPv4Address ?? '') : '', IPAMConfig, ...(Aliases ? { Aliases } : {}) },
  ])
  return {
    Id: id,
    Name: `/${name}`,
    Created: new Date(createdMs).toISOString(),
    State: state,
    Path: 'serve',
    Args: request.Cmd ?? [],
    Image: request.Image ?? '',
    RestartCount: restarts,
    Config: request,
    NetworkSettings: {
      Networks: Object.fromEntries(networks),
      Ports: state.Running ? (request.HostConfig?.PortBindings ?? {}) : {},
    },
  } as unknown as ContainerInspect
}
