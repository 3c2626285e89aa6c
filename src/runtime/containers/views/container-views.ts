import {
  type ContainerInspect,
  type ContainerState,
  type ContainerSummary,
  type PortMap,
  type PortSummary,
  statusText,
} from '../../../docker-api/index.ts'
import type { Sandbox } from '../../ports.ts'
import { logPath } from '../engine-paths.ts'
import { readLogConfig } from '../logs/index.ts'
import type { ContainerRecord } from '../record.ts'
import type { Room } from '../room.ts'
import { commandOf } from '../spec/build-oci-spec.ts'
import { SHM_BYTES_DEFAULT } from '../spec/default-mounts.ts'
import { shownAppArmor } from '../spec/security-options.ts'
import { stateOf } from './container-state.ts'
import { fullConfig, fullHostConfig } from './inspect-defaults.ts'
import { networkSettings, networksOf, shownNetworkMode } from './network-settings.ts'

const NO_FILES: Sandbox['files'] = { hostname: '', hosts: '', resolvConf: '' }

type ViewRoom = Pick<Room, 'sandboxes' | 'health' | 'paths' | 'clock' | 'facts' | 'roots'>

export function liveState({ health }: Pick<Room, 'health'>, record: ContainerRecord): ContainerState {
  return stateOf(record, record.life.status === 'running' ? health.get(record.id) : undefined)
}

/** `GET /containers/{id}/json`. */
export function inspectView(room: ViewRoom, record: ContainerRecord): ContainerInspect {
  const { id, config, host } = record
  const sandbox = room.sandboxes.get(id)
  const [path = '', ...args] = commandOf(config)
  const files = sandbox?.files ?? NO_FILES
  const kept = readLogConfig(host.LogConfig ?? {}) !== undefined
  return {
    Id: id,
    Created: new Date(record.createdMs).toISOString(),
    Path: path,
    Args: args,
    State: liveState(room, record),
    Image: record.imageId,
    ResolvConfPath: files.resolvConf,
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    LogPath: kept ? logPath(room.paths, id) : '',
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: shownAppArmor(host.SecurityOpt ?? []),
    ExecIDs: null,
    HostConfig: {
      ...fullHostConfig(host, room.facts.cgroupVersion),
      NetworkMode: shownNetworkMode(record),
      LogConfig: { Config: {}, ...host.LogConfig, Type: host.LogConfig?.Type || 'json-file' },
      Links: isOnDefaultNetwork(record) ? (host.Links ?? null) : null,
      ShmSize: host.ShmSize || SHM_BYTES_DEFAULT,
    },
    GraphDriver: { Name: 'overlay2', Data: room.roots.places(id, record.imageId) },
    Config: fullConfig(config),
    Mounts: record.mounts.filter(({ unlisted }) => unlisted !== true).map(({ point }) => point),
    NetworkSettings: networkSettings(room.sandboxes, record),
  }
}

/** One line of `GET /containers/json`. */
export function summaryView(room: ViewRoom, record: ContainerRecord): ContainerSummary {
  const sandbox = room.sandboxes.get(record.id)
  const state = liveState(room, record)
  const exposed = exposesPorts(record) ? Object.keys(record.config.ExposedPorts ?? {}) : []
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    Image: record.imageName,
    ImageID: record.imageId,
    Command: commandOf(record.config).map(quoted).join(' '),
    Created: Math.floor(record.createdMs / 1_000),
    Ports: portSummaries(sandbox?.ports ?? {}, exposed),
    Labels: record.config.Labels ?? {},
    State: state.Status,
    Status: statusText(state, room.clock.nowMs()),
    HostConfig: { NetworkMode: shownNetworkMode(record) },
    NetworkSettings: { Networks: networksOf(room.sandboxes, record) },
    Mounts: record.mounts.filter(({ unlisted }) => unlisted !== true).map(({ point }) => point),
  }
}

/** Elsewhere links belong to the container's place on a network. */
function isOnDefaultNetwork({ networkMode }: ContainerRecord): boolean {
  return networkMode === 'default' || networkMode === 'bridge'
}

/** As Docker lists commands: words with spaces in quotes. */
function quoted(word: string): string {
  return word.includes(' ') ? `'${word}'` : word
}

/** A container without a network of its own, and one that does not run, has no ports. */
function exposesPorts({ life, networkMode }: ContainerRecord): boolean {
  const hasOwn = !['none', 'host'].includes(networkMode) && !networkMode.startsWith('container:')
  return life.status === 'running' && hasOwn
}

/** Ports with their bindings; exposed ones without a binding too. */
export function portSummaries(ports: PortMap, exposed: readonly string[]): PortSummary[] {
  return [...new Set([...Object.keys(ports), ...exposed])].flatMap((key): PortSummary[] => {
    const [port, protocol] = key.split('/')
    const PrivatePort = Number(port)
    const Type = protocol === 'udp' ? 'udp' : 'tcp'
    const bindings = ports[key] ?? []
    if (bindings.length === 0) return [{ PrivatePort, Type }]
    return bindings.map(({ HostIp = '', HostPort = '' }) => ({
      IP: HostIp === '' ? '0.0.0.0' : HostIp,
      PrivatePort,
      PublicPort: Number(HostPort),
      Type,
    }))
  })
}
