import { taskIdIn } from '../core/model/labels.ts'
import type { ContainerCreateRequest, ContainerInspect, ContainerSummary } from '../docker-api/index.ts'

export interface SimContainerOrigin {
  readonly id: string
  readonly host: string
  readonly request: ContainerCreateRequest
  readonly createdMs: number
}

const NEVER = '0001-01-01T00:00:00Z'

/** A container without a process. */
export class SimContainer {
  readonly id: string
  readonly host: string
  readonly request: ContainerCreateRequest
  readonly #createdMs: number
  name: string
  running = false
  /** Nobody but its owner starts it again. */
  stoppedByHand = false
  /** Its process ended, and the engine is about to start it again. */
  restarting = false
  restarts = 0
  #startedMs: number | undefined
  #endedMs: number | undefined
  #exitCode = 0

  constructor({ id, host, request, createdMs }: SimContainerOrigin, name: string) {
    this.id = id
    this.host = host
    this.request = request
    this.#createdMs = createdMs
    this.name = name
  }

  get taskId(): string {
    return taskIdIn(this.request.Labels) ?? ''
  }

  get serviceId(): string {
    return this.request.Labels?.['shoal.service.id'] ?? ''
  }

  get volumes(): string[] {
    return (this.request.HostConfig?.Mounts ?? []).flatMap(({ Type, Source }) =>
      Type === 'volume' && Source !== undefined ? [Source] : [],
    )
  }

  /** `8080/tcp`. */
  get hostPorts(): string[] {
    return Object.entries(this.request.HostConfig?.PortBindings ?? {}).flatMap(([port, bindings]) =>
      (bindings ?? []).map(({ HostPort }) => `${HostPort}/${port.split('/')[1]}`),
    )
  }

  start(nowMs: number): void {
    this.running = true
    this.restarting = false
    this.stoppedByHand = false
    this.#startedMs = nowMs
  }

  end(exitCode: number, nowMs: number): void {
    this.running = false
    this.#exitCode = exitCode
    this.#endedMs = nowMs
  }

  /** Docker's restart policies. */
  mayRestart(exitCode: number): boolean {
    const { Name = 'no', MaximumRetryCount = 0 } = this.request.HostConfig?.RestartPolicy ?? {}
    if (this.stoppedByHand || Name === 'no' || Name === '') return false
    if (Name !== 'on-failure') return true
    return exitCode !== 0 && (MaximumRetryCount === 0 || this.restarts < MaximumRetryCount)
  }

  summary(): ContainerSummary {
    const { Image = '', Labels = {} } = this.request
    return {
      Id: this.id,
      Names: [`/${this.name}`],
      Image,
      ImageID: Image,
      Command: '',
      Created: Math.floor(this.#createdMs / 1_000),
      Ports: [],
      Labels,
      State: this.#status(),
      Status: this.#status(),
      HostConfig: { NetworkMode: this.request.HostConfig?.NetworkMode ?? 'default' },
      NetworkSettings: { Networks: {} },
      Mounts: [],
    }
  }

  inspect(): ContainerInspect {
    const nothing = { IPAddress: '', Gateway: '', MacAddress: '', SandboxKey: '', Ports: {} }
    return {
      Id: this.id,
      Created: new Date(this.#createdMs).toISOString(),
      Path: '',
      Args: [],
      State: {
        Status: this.#status(),
        Running: this.running,
        Paused: false,
        Restarting: this.restarting,
        OOMKilled: false,
        Dead: false,
        Pid: this.running ? 1 : 0,
        ExitCode: this.#exitCode,
        Error: '',
        StartedAt: time(this.#startedMs),
        FinishedAt: time(this.#endedMs),
      },
      Image: this.request.Image ?? '',
      ResolvConfPath: '',
      HostnamePath: '',
      HostsPath: '',
      LogPath: '',
      Name: `/${this.name}`,
      RestartCount: this.restarts,
      Driver: 'simulated',
      Platform: 'linux',
      HostConfig: this.request.HostConfig ?? {},
      Config: this.request,
      Mounts: [],
      NetworkSettings: { ...nothing, Networks: this.#networks() },
    }
  }

  #networks(): ContainerInspect['NetworkSettings']['Networks'] {
    const endpoints = Object.entries(this.request.NetworkingConfig?.EndpointsConfig ?? {})
    return Object.fromEntries(
      endpoints.map(([network, { IPAMConfig, MacAddress = '' }]) => [
        network,
        {
          NetworkID: network,
          EndpointID: '',
          Gateway: '',
          IPAddress: this.running ? (IPAMConfig?.IPv4Address ?? '') : '',
          IPPrefixLen: 24,
          MacAddress,
          Aliases: null,
          ...(IPAMConfig === undefined ? {} : { IPAMConfig }),
        },
      ]),
    )
  }

  #status(): 'running' | 'restarting' | 'exited' | 'created' {
    if (this.running) return 'running'
    if (this.restarting) return 'restarting'
    return this.#startedMs === undefined ? 'created' : 'exited'
  }
}

function time(ms: number | undefined): string {
  return ms === undefined ? NEVER : new Date(ms).toISOString()
}
