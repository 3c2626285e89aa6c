import type { Clock } from '../core/clock.ts'
import { hashOf } from '../core/digest.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { Engine } from '../docker-api/index.ts'
import { applyChanges, createBuilder } from './build/index.ts'
import { imageCommits } from './commit-image.ts'
import { type ContainerDefaults, type Containers, type ContainersOptions, openContainers } from './containers/index.ts'
import { engineImages } from './engine-images.ts'
import { engineNetworks } from './engine-networks.ts'
import { openEngineRoot } from './engine-root.ts'
import { EventBus } from './events/index.ts'
import { createImageStore } from './images/index.ts'
import { type ChangingSettings, changingSettings, type LiveSettings } from './live-settings.ts'
import { createNetworkStack, type NetworkStackOptions } from './network/index.ts'
import type { NameSource } from './ports.ts'
import { createSystemInfo } from './system-info/index.ts'
import { createVolumeStore } from './volumes/index.ts'

const ROOT_HASH_CHARS = 12
const VERSION_UNKNOWN = '0.0.0'

/** What distinguishes one engine from another on the same machine. Names and meanings are dockerd's flags. */
export interface EngineOptions extends LiveSettings, Omit<NetworkStackOptions, 'engineName'> {
  /** The engine's name, as `GET /info` gives it. */
  readonly name: string
  /** Images, containers and volumes: survives a reboot. One engine at a time. */
  readonly dataRoot: string
  /** Sockets, pid files and mounts of running containers: need not survive a reboot. */
  readonly execRoot: string
  /** Parent of the containers' control groups; absent: `/shoal-<hash of the data root>`. */
  readonly cgroupParent?: string
  /** Certificates of registries, a directory for each host; absent: /etc/docker/certs.d. */
  readonly registryCertificates?: string
  /** Layers of one image that are pulled and pushed at a time. */
  readonly downloadsAtOnce?: number
  readonly uploadsAtOnce?: number
  /** OCI runtime: a name found in PATH or a path; absent: runc. */
  readonly runtime?: string
  /** Init binary for containers that ask for one; absent: one that is found in PATH. */
  readonly initPath?: string
  /** What holds for containers that say nothing themselves. */
  readonly containerDefaults?: ContainerDefaults
  /** Shoal's version, as `GET /version` gives it. */
  readonly version?: string
}

export interface EnginePorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Names outside this engine, asked by its DNS server. */
  readonly names?: NameSource
}

export interface EmbeddedEngine extends Engine {
  /** Lets go of everything but the containers: they keep running, and the next engine on these roots adopts them. */
  readonly close: () => Promise<void>
  readonly setNameSource: (names: NameSource) => void
  readonly reload: ChangingSettings['reload']
}

/**
 * Opens the engine on its roots: takes the lock, adopts running containers, finishes or undoes what a killed
 * predecessor left half done.
 *
 * Throws DATA_ROOT_LOCKED and EXEC_ROOT_LOCKED (another engine has these roots), EXEC_ROOT_TAKEN (its containers run there) and DATA_ROOT_FORMAT (made by an incompatible version).
 */
export async function createEngine(options: EngineOptions, ports: EnginePorts): Promise<EmbeddedEngine> {
  const scope = new AsyncDisposableStack()
  try {
    return await openEngine(options, ports, scope)
  } catch (error) {
    await scope.disposeAsync()
    throw error
  }
}

async function openEngine(
  options: EngineOptions,
  ports: EnginePorts,
  scope: AsyncDisposableStack,
): Promise<EmbeddedEngine> {
  const { dataRoot, execRoot } = options
  const { clock, random, log } = ports
  const root = await openEngineRoot(dataRoot, execRoot, random)
  scope.defer(root.release)
  const events = new EventBus(clock)
  scope.defer(() => events.close())
  const live = changingSettings(options, { events, id: root.engineId, name: options.name })
  let containers: Containers | undefined
  const usersOf = (imageId: string) => containers?.usersOf(imageId) ?? []
  const opening = createNetworkStack(
    { ...options, engineName: options.name },
    { ...ports, emit: networkEvents(events) },
  )
  // Also when one of the others fails first, and it is still being opened.
  scope.defer(() => closeOnceOpen(opening))
  const [store, volumes, network] = await Promise.all([
    createImageStore(
      { ...options, registries: live.get },
      { clock, random, log, usersOf, applyChanges, emit: imageEvents(events) },
    ),
    createVolumeStore({ dataRoot }, { clock, random, log, emit: volumeEvents(events) }),
    opening,
  ])
  scope.defer(store.close)
  const room = await openContainers(containersOptions(options), {
    clock,
    random,
    log,
    events,
    roots: store.roots,
    sandboxes: network.sandboxes,
    mounts: volumes.mounts,
    commits: imageCommits(store, { clock, engineVersion: options.version ?? VERSION_UNKNOWN }),
  })
  scope.defer(room.close)
  containers = room
  const build = createBuilder({ dataRoot, store, containers: () => room.operations, clock, random, log })
  await build.recover()
  const { info, version } = createSystemInfo({
    name: options.name,
    dataRoot,
    options,
    live: live.get,
    id: root.engineId,
    version: options.version ?? VERSION_UNKNOWN,
    containers: room,
    events,
    countImages: async () => (await store.images.list({ all: true })).length,
    clock,
  })
  return {
    info,
    version,
    events: (wanted, signal) => events.read(wanted, signal),
    containers: room.operations,
    exec: room.exec,
    images: engineImages(store.images, build),
    networks: engineNetworks(network.networks, { containers: room, events }),
    volumes: volumes.volumes,
    setNameSource: network.setNameSource,
    reload: live.reload,
    close: () => scope.disposeAsync(),
  }
}

function containersOptions(options: EngineOptions): ContainersOptions {
  const { dataRoot, execRoot, cgroupParent, runtime = 'runc', initPath, containerDefaults = {} } = options
  return {
    dataRoot,
    execRoot,
    cgroupParent: cgroupParent ?? `/shoal-${hashOf(dataRoot).slice(0, ROOT_HASH_CHARS)}`,
    runtime,
    ...(initPath === undefined ? {} : { initPath }),
    defaults: containerDefaults,
  }
}

async function closeOnceOpen(opening: Promise<{ readonly close: () => Promise<void> }>): Promise<void> {
  const opened = await opening.catch(() => undefined)
  await opened?.close()
}

function imageEvents(events: EventBus) {
  return (action: string, image: string, attributes: Readonly<Record<string, string>>): void =>
    events.emit('image', action, { ID: image, Attributes: attributes })
}

function volumeEvents(events: EventBus) {
  return (action: string, volume: string, attributes: Readonly<Record<string, string>>): void =>
    events.emit('volume', action, { ID: volume, Attributes: attributes })
}

function networkEvents(events: EventBus) {
  return (
    action: string,
    { id, name, driver }: { id: string; name: string; driver: string },
    container: string,
  ): void => events.emit('network', action, { ID: id, Attributes: { container, name, type: driver } })
}
