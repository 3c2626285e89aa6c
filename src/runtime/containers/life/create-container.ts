import { hostname as machineName } from 'node:os'
import { errorMessage, invalidInput } from '../../../core/errors.ts'
import { newHexId } from '../../../core/random.ts'
import type { ContainerCreateRequest, HostConfig } from '../../../docker-api/index.ts'
import type { MountsOrigin, PreparedMount } from '../../ports.ts'
import { checkConfig, checkHostConfig, resourceWarnings } from '../checks/index.ts'
import { inForce, withDefaults } from '../container-defaults.ts'
import { explainFullDisk, nameTaken } from '../container-errors.ts'
import { checkContainerName, inventContainerName } from '../container-name.ts'
import type { ContainerRecord } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { mergeConfig } from './merge-config.ts'
import { sandboxRequestOf } from './sandbox-request.ts'

const SHORT_ID_CHARS = 12

/**
 * Makes a container that does not run yet. Everything that can be refused is refused before anything is made; whatever
 * fails after that is undone.
 */
export async function createContainer(
  room: Room,
  request: ContainerCreateRequest,
  options: { readonly name?: string; readonly platform?: string },
): Promise<{ readonly Id: string; readonly Warnings: readonly string[] }> {
  const host = withDefaults(request.HostConfig ?? {}, room.defaults)
  const wished = options.name === undefined || options.name === '' ? undefined : checkContainerName(options.name)
  checkHostConfig(inForce(host, room.defaults), room.facts)
  const { platform } = options
  const image = await room.roots.resolve(request.Image ?? '', platform === undefined ? {} : { platform })
  const origins = (host.VolumesFrom ?? []).map(text => mountsOrigin(room, text))
  for (const link of host.Links ?? []) checkLink(room, link)
  const record = newRecord(room, { request, host, image, name: wished })
  room.sandboxes.check(sandboxRequestOf(record, room.defaults))
  try {
    await room.table.add(record)
    try {
      const mounts = await room.mounts.prepare(record.id, request, image.config, origins)
      await fillNewVolumes(room, record, mounts)
      await room.table.update(record.id, current => ({ ...current, mounts, life: { status: 'idle' } }))
    } catch (error) {
      await discardContainer(room, record.id)
      throw error
    }
  } catch (error) {
    throw explainFullDisk(error, 'create the container', room.paths.records)
  }
  emitContainer(room, record, 'create')
  const warnings = [...(image.warnings ?? []), ...resourceWarnings(host, room.facts), ...networkWarnings(host)]
  return { Id: record.id, Warnings: warnings }
}

/**
 * Fresh volumes get the image's files now and not when the container starts: some containers never run, and are only there
 * to give others their volumes.
 */
async function fillNewVolumes(room: Room, record: ContainerRecord, mounts: readonly PreparedMount[]): Promise<void> {
  if (!mounts.some(({ copyUp }) => copyUp)) return
  const rootPath = await room.roots.mount(record.id, record.imageId)
  try {
    for (const mount of mounts) await room.mounts.copyUp(rootPath, mount)
  } finally {
    await room.roots.unmount(record.id)
  }
}

function networkWarnings({ NetworkMode, PortBindings }: HostConfig): string[] {
  const isIdle = NetworkMode === 'host' && Object.keys(PortBindings ?? {}).length > 0
  return isIdle ? ['Published ports are discarded when using host network mode'] : []
}

function checkLink({ table }: Room, link: string): void {
  const [target = ''] = link.split(':')
  try {
    table.get(target)
  } catch (error) {
    throw invalidInput('BAD_LINK', `could not get container for ${target}: ${errorMessage(error)}`)
  }
}

/** Reads `container[:mode]` of `--volumes-from`. */
function mountsOrigin({ table }: Room, text: string): MountsOrigin {
  const [reference = '', mode = ''] = text.split(/:(.*)/s)
  if (reference === '') {
    throw invalidInput('BAD_VOLUMES_FROM', `malformed volumes-from specification: ${JSON.stringify(text)}`)
  }
  if (!['', 'rw', 'ro', 'z', 'Z', 'rw,z', 'ro,z', 'rw,Z', 'ro,Z'].includes(mode)) {
    throw invalidInput('BAD_VOLUMES_FROM', `invalid mode: ${mode}`)
  }
  return { mounts: named(table, reference).mounts, readOnly: mode.startsWith('ro') }
}

/** Undoes a creation, whichever point it had reached. */
export async function discardContainer(room: Room, id: string): Promise<void> {
  await room.mounts.release(id, { anonymous: true })
  await room.roots.remove(id)
  await room.table.remove(id)
}

function newRecord(
  { random, clock, table }: Room,
  {
    request,
    host,
    image,
    name: wished,
  }: {
    readonly request: ContainerCreateRequest
    readonly host: HostConfig
    readonly image: Awaited<ReturnType<Room['roots']['resolve']>>
    readonly name: string | undefined
  },
): ContainerRecord {
  const id = newHexId(random)
  const name = wished ?? inventContainerName(random, taken => table.isNameTaken(taken))
  if (table.isNameTaken(name)) throw nameTaken(name, table.get(name).id)
  const config = mergeConfig(request, image.config)
  checkConfig({ ...config, Hostname: request.Hostname ?? '', HostConfig: host })
  const mode = host.NetworkMode ?? 'default'
  const isHosts = mode === 'host' || host.UTSMode === 'host'
  const hostname = config.Hostname || (isHosts ? machineName() : id.slice(0, SHORT_ID_CHARS))
  return {
    id,
    name,
    createdMs: clock.nowMs(),
    imageId: image.id,
    imageName: request.Image ?? '',
    config: { ...config, Hostname: hostname },
    host: {
      ...host,
      ...(host.PidMode === undefined ? {} : { PidMode: withFullId(table, host.PidMode) }),
      ...(host.IpcMode === undefined ? {} : { IpcMode: withFullId(table, host.IpcMode) }),
    },
    hostname,
    networkMode: config.NetworkDisabled === true ? 'none' : withFullId(table, mode),
    endpoints: request.NetworkingConfig?.EndpointsConfig ?? {},
    mounts: [],
    life: { status: 'creating' },
    restartCount: 0,
    restartDelayMs: 0,
    stoppedByHand: false,
    copiedUp: false,
  }
}

/** `container:web` with the container's id: a name may move to another one, and whose namespace was meant must not change with it. */
function withFullId(table: Room['table'], mode: string): string {
  const [kind, reference] = mode.split(/:(.*)/s)
  return kind === 'container' && reference !== undefined ? `container:${named(table, reference).id}` : mode
}

/**
 * A container that another one's creation names. One that there is not is the request's mistake: clients take docker's 404
 * of a creation for a missing image, and pull it.
 */
function named(table: Room['table'], reference: string): ContainerRecord {
  try {
    return table.get(reference)
  } catch (error) {
    throw invalidInput('NO_SUCH_CONTAINER', errorMessage(error))
  }
}
