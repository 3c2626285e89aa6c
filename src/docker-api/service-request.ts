import type { EngineOptions } from '../core/model/engine-options.ts'
import type { ContainerSpec, HealthCheckSpec, MountSpec, PortSpec, ServiceSpec } from '../core/model/service.ts'
import type {
  ContainerCreateRequest,
  HealthConfig,
  HostConfig,
  MountRequest,
  RestartPolicy,
} from './container-types.ts'

/**
 * What a service's container is in Docker's terms, but for its labels and its place on networks; pure. `fill` puts in what
 * `{{…}}` in a text stands for.
 */
export function toServiceRequest(spec: ServiceSpec, fill: (text: string) => string): ContainerCreateRequest {
  const { container } = spec
  return {
    Image: container.imageId ?? container.image,
    ...when(container.command, Cmd => ({ Cmd })),
    ...when(container.entrypoint, Entrypoint => ({ Entrypoint })),
    ...when(container.environment, variables => ({
      Env: Object.entries(variables).map(([name, value]) => `${name}=${fill(value)}`),
    })),
    ...when(container.hostname, hostname => ({ Hostname: fill(hostname) })),
    ...when(container.domainname, Domainname => ({ Domainname })),
    ...when(container.user, User => ({ User })),
    ...when(container.workingDir, WorkingDir => ({ WorkingDir })),
    ...when(container.tty, Tty => ({ Tty })),
    ...when(container.stdinOpen, OpenStdin => ({ OpenStdin })),
    ...when(container.stopSignal, StopSignal => ({ StopSignal })),
    ...when(container.stopGraceMs, graceMs => ({ StopTimeout: Math.ceil(graceMs / 1_000) })),
    ...when(container.healthcheck, check => ({ Healthcheck: toHealthConfig(check) })),
    ...exposedPorts(spec),
    HostConfig: toHostConfig(spec),
  }
}

function exposedPorts({ ports, container }: ServiceSpec): Pick<ContainerCreateRequest, 'ExposedPorts'> {
  const keys = [...ports.map(portKey), ...(container.expose ?? [])]
  return keys.length === 0 ? {} : { ExposedPorts: Object.fromEntries(keys.map(key => [key, {}])) }
}

function toHostConfig(spec: ServiceSpec): HostConfig {
  const { container, limits, reservations } = spec
  const hostPorts = spec.ports.filter(port => port.mode === 'host')
  return {
    NetworkMode: networkModeOf(spec),
    RestartPolicy: toRestartPolicy(spec),
    ...(hostPorts.length === 0 ? {} : { PortBindings: toPortBindings(hostPorts) }),
    ...when(container.mounts, mounts => ({ Mounts: mounts.map(toMount) })),
    ...when(limits.memoryBytes, Memory => ({ Memory })),
    ...when(reservations.memoryBytes, MemoryReservation => ({ MemoryReservation })),
    ...when(limits.nanoCpus, NanoCpus => ({ NanoCpus })),
    ...when(limits.pids, PidsLimit => ({ PidsLimit })),
    ...securityOf(container),
    ...when(container.init, Init => ({ Init })),
    ...when(container.extraHosts, ExtraHosts => ({ ExtraHosts })),
    ...when(container.dns, Dns => ({ Dns })),
    ...when(container.sysctls, Sysctls => ({ Sysctls })),
    ...when(container.shmSizeBytes, ShmSize => ({ ShmSize })),
    ...when(container.ulimits, ulimits => ({ Ulimits: toUlimits(ulimits) })),
    ...when(container.engine, engineFields),
    ...when(container.logging, ({ driver, options }) => ({ LogConfig: { Type: driver, Config: options } })),
  }
}

export function toUlimits(limits: NonNullable<ContainerSpec['ulimits']>): NonNullable<HostConfig['Ulimits']> {
  return Object.entries(limits).map(([Name, { soft, hard }]) => ({ Name, Soft: soft, Hard: hard }))
}

/** The same in the wire's words: `cpuShares` is CpuShares. */
function engineFields({ utsMode, tmpfs, annotations, deviceRequests, ...options }: EngineOptions): HostConfig {
  return {
    ...(inWireWords(options) as HostConfig),
    ...when(utsMode, UTSMode => ({ UTSMode })),
    ...when(tmpfs, Tmpfs => ({ Tmpfs })),
    ...when(annotations, Annotations => ({ Annotations })),
    ...when(deviceRequests, requests => ({
      DeviceRequests: requests.map(({ options: Options, ...request }) => ({
        ...(inWireWords(request) as object),
        ...when(Options, given => ({ Options: given })),
      })),
    })),
  }
}

function inWireWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inWireWords)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, field]) => [
    `${key.charAt(0).toUpperCase()}${key.slice(1)}`,
    inWireWords(field),
  ])
  return Object.fromEntries(entries)
}

function securityOf(container: ContainerSpec): HostConfig {
  return {
    ...when(container.readOnly, ReadonlyRootfs => ({ ReadonlyRootfs })),
    ...when(container.privileged, Privileged => ({ Privileged })),
    ...when(container.capAdd, CapAdd => ({ CapAdd })),
    ...when(container.capDrop, CapDrop => ({ CapDrop })),
  }
}

function networkModeOf({ container, networks }: ServiceSpec): string {
  return container.networkMode ?? networks[0]?.network ?? 'bridge'
}

/**
 * The engine restarts on the node; the manager only replaces what the engine gave up on. Not Docker's `always`: a
 * container that the agent stopped must not come back when the engine starts again.
 */
function toRestartPolicy({ restart }: ServiceSpec): RestartPolicy {
  switch (restart.condition) {
    case 'none':
      return { Name: 'no' }
    case 'any':
      return { Name: 'unless-stopped' }
    case 'on-failure':
      return { Name: 'on-failure', MaximumRetryCount: restart.maxAttempts ?? 0 }
  }
}

/** `80/tcp`. */
export function portKey({ target, protocol }: PortSpec): string {
  return `${target}/${protocol}`
}

/** The port of the host, as an engine is asked for it: `8080`, one of `8000-8010`, or any free one if it is empty. */
export function hostPort({ published, range }: PortSpec): string {
  if (published !== undefined) return String(published)
  return range === undefined ? '' : `${range.first}-${range.last}`
}

/** Ingress ports are not bound by the container: the overlay answers them on every host. */
function toPortBindings(ports: readonly PortSpec[]): NonNullable<HostConfig['PortBindings']> {
  const bindings = Map.groupBy(ports, portKey)
  return Object.fromEntries(
    [...bindings].map(([key, group]) => [
      key,
      group.map(port => ({
        ...(port.hostIp === undefined ? {} : { HostIp: port.hostIp }),
        HostPort: hostPort(port),
      })),
    ]),
  )
}

function toMount(mount: MountSpec): MountRequest {
  const { type, source, target, readOnly } = mount
  return {
    Type: type,
    Target: target,
    ...(source === undefined ? {} : { Source: source }),
    ...(readOnly === undefined ? {} : { ReadOnly: readOnly }),
    ...filled('BindOptions', bindOptions(mount)),
    ...filled('VolumeOptions', {
      ...when(mount.noCopy, NoCopy => ({ NoCopy })),
      ...when(mount.subpath, Subpath => ({ Subpath })),
      ...when(mount.labels, Labels => ({ Labels })),
    }),
    ...filled('TmpfsOptions', {
      ...when(mount.sizeBytes, SizeBytes => ({ SizeBytes })),
      ...when(mount.mode, Mode => ({ Mode })),
    }),
  }
}

function bindOptions({ propagation, createSource, recursive }: MountSpec): NonNullable<MountRequest['BindOptions']> {
  return {
    ...when(propagation, Propagation => ({ Propagation })),
    ...when(createSource, CreateMountpoint => ({ CreateMountpoint })),
    ...(recursive === 'disabled' ? { NonRecursive: true } : {}),
    ...(recursive === 'writable' ? { ReadOnlyNonRecursive: true } : {}),
    ...(recursive === 'readonly' ? { ReadOnlyForceRecursive: true } : {}),
  }
}

function filled<K extends string, T extends object>(key: K, options: T): { [P in K]?: T } {
  return Object.keys(options).length === 0 ? {} : ({ [key]: options } as { [P in K]?: T })
}

function toHealthConfig(check: HealthCheckSpec): HealthConfig {
  return {
    Test: check.test,
    ...when(check.intervalMs, ms => ({ Interval: nanoseconds(ms) })),
    ...when(check.timeoutMs, ms => ({ Timeout: nanoseconds(ms) })),
    ...when(check.startPeriodMs, ms => ({ StartPeriod: nanoseconds(ms) })),
    ...when(check.startIntervalMs, ms => ({ StartInterval: nanoseconds(ms) })),
    ...when(check.retries, Retries => ({ Retries })),
  }
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6)
}

/** The fields that follow from an optional value; none if it is absent. */
function when<T, R extends object>(value: T | undefined, fields: (value: T) => R): R | Record<string, never> {
  return value === undefined ? {} : fields(value)
}
