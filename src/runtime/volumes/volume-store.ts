import { mkdir, stat } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import { hashOf } from '../../core/digest.ts'
import { conflict, errorCode, errorMessage, invalidInput, notFound } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import type { Log } from '../../core/log.ts'
import { newHexId, type Random } from '../../core/random.ts'
import type { VolumeCreateRequest, VolumeInspect, VolumeOperations } from '../../docker-api/index.ts'
import type { ContainerMounts, PreparedMount } from '../ports.ts'
import { copyFromRoot, isEmptyDirectory } from './copy-up.ts'
import { kernelMounter } from './kernel-mounter.ts'
import { ensureMounted, readDriverOptions, type VolumeMounter } from './local-driver.ts'
import { bindMount, tmpfsMount, volumeMount } from './prepared-mount.ts'
import { VolumeDisk } from './volume-disk.ts'
import { checkVolumeName, inspectVolume, matchesVolumeFilters, type VolumeRecord } from './volume-record.ts'
import { type WantedMount, wantedMounts } from './wanted-mounts.ts'

export interface VolumeStoreOptions {
  readonly dataRoot: string
}

export interface VolumeStorePorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Told of every `create`, `destroy`, `mount` and `unmount` of a volume, for the event stream. */
  readonly emit?: (action: string, volume: string, attributes: Readonly<Record<string, string>>) => void
  /** Absent: the kernel's. */
  readonly mounter?: VolumeMounter
}

export interface VolumeStore {
  readonly mounts: ContainerMounts
  readonly volumes: VolumeOperations
}

type Use = { readonly name: string; readonly anonymous: boolean }

/** Opens the volumes below a data root, deleting what a crash left unfinished. */
export async function createVolumeStore(options: VolumeStoreOptions, ports: VolumeStorePorts): Promise<VolumeStore> {
  const disk = new VolumeDisk(options.dataRoot)
  const store = new LocalVolumes(disk, ports)
  await store.open()
  return { mounts: store.mounts, volumes: store.volumes }
}

class LocalVolumes {
  readonly #disk: VolumeDisk
  readonly #ports: VolumeStorePorts
  readonly #mounter: VolumeMounter
  readonly #records = new Map<string, VolumeRecord>()
  /** Container id -> volumes. */
  readonly #uses = new Map<string, readonly Use[]>()
  readonly #locks = new KeyedLock()

  constructor(disk: VolumeDisk, ports: VolumeStorePorts) {
    this.#disk = disk
    this.#ports = ports
    this.#mounter = ports.mounter ?? kernelMounter
  }

  async open(): Promise<void> {
    const { records, uses } = await this.#disk.open()
    for (const record of records) this.#records.set(record.name, record)
    for (const use of uses) this.#uses.set(use.containerId, use.volumes)
    // After a reboot the devices of volumes in use must be there before their containers start.
    for (const record of records.filter(({ name }) => this.#usersOf(name).length > 0)) {
      await this.#mountDevice(record).catch((error: unknown) => {
        this.#ports.log.warn({ volume: record.name, error: errorMessage(error) }, 'cannot mount volume')
      })
    }
  }

  readonly volumes: VolumeOperations = {
    create: async request => this.#inspect(await this.#ensure(request)),
    list: async ({ filters = {} }) =>
      [...this.#records.values()]
        .map(record => this.#inspect(record))
        .filter(volume => matchesVolumeFilters(volume, filters, this.#usersOf(volume.Name).length > 0))
        .toSorted((a, b) => (a.Name < b.Name ? -1 : 1)),
    inspect: async name => this.#inspect(this.#get(name)),
    remove: (name, { force }) => this.#locks.run(name, () => this.#remove(name, force === true)),
  }

  readonly mounts: ContainerMounts = {
    prepare: async (containerId, request, image) => {
      const wanted = wantedMounts(request, image)
      await checkBindSources(wanted)
      const prepared: PreparedMount[] = []
      const uses: Use[] = [...(this.#uses.get(containerId) ?? [])]
      for (const mount of wanted) prepared.push(await this.#prepare(containerId, mount, uses))
      return prepared
    },
    copyUp: async (rootPath, { point, source, destination, copyUp }) => {
      if (!copyUp || point.Name === undefined) return
      const volume = { data: source, mark: this.#disk.copyingMark(point.Name) }
      await this.#locks.run(point.Name, async () => {
        if (await this.#isFresh(source, volume.mark)) await copyFromRoot(rootPath, destination, volume)
      })
    },
    release: async (containerId, { anonymous }) => {
      const uses = this.#uses.get(containerId) ?? []
      this.#uses.delete(containerId)
      for (const { name, anonymous: own } of uses) {
        await this.#locks.run(name, () => this.#letGo(name, anonymous && own))
      }
      await this.#disk.removeUse(containerId)
    },
  }

  async #prepare(containerId: string, wanted: WantedMount, uses: Use[]): Promise<PreparedMount> {
    if (wanted.type === 'tmpfs') return tmpfsMount(wanted)
    if (wanted.type === 'bind') {
      if (wanted.createSource) await mkdir(wanted.source, { recursive: true })
      return bindMount(wanted)
    }
    const name = wanted.name ?? anonymousName(containerId, wanted.destination)
    const record = await this.#ensure(
      { Name: name, Driver: wanted.driver, DriverOpts: wanted.driverOptions, Labels: wanted.labels },
      { anonymous: wanted.name === undefined, use: { containerId, uses } },
    )
    const data = this.#disk.dataPath(name)
    const copyUp = !wanted.noCopy && (await this.#isFresh(data, this.#disk.copyingMark(name)))
    return volumeMount(wanted, { name: record.name, driver: record.driver, data, copyUp })
  }

  /** Finds or makes a volume, and, in one step that a removal cannot come between, notes who uses it. */
  #ensure(
    request: VolumeCreateRequest,
    { anonymous = !request.Name, use }: { anonymous?: boolean; use?: { containerId: string; uses: Use[] } } = {},
  ): Promise<VolumeRecord> {
    const name = request.Name ? checkVolumeName(request.Name) : newHexId(this.#ports.random)
    return this.#locks.run(name, async () => {
      const record = this.#existing(name, request) ?? (await this.#create(name, anonymous, request))
      if (use === undefined) return record
      await this.#mountDevice(record)
      if (!use.uses.some(known => known.name === name)) {
        use.uses.push({ name, anonymous })
        await this.#disk.writeUse({ containerId: use.containerId, volumes: use.uses })
        this.#uses.set(use.containerId, [...use.uses])
      }
      this.#ports.emit?.('mount', name, { container: use.containerId, driver: record.driver })
      return record
    })
  }

  #existing(name: string, { Driver, DriverOpts = {} }: VolumeCreateRequest): VolumeRecord | undefined {
    const record = this.#records.get(name)
    if (record === undefined) return undefined
    const sameDriver = Driver === undefined || Driver === '' || Driver === record.driver
    const options = Object.entries(DriverOpts)
    if (sameDriver && options.every(([key, value]) => record.driverOptions[key] === value)) return record
    throw conflict(
      'VOLUME_EXISTS',
      `A volume named ${name} already exists with other options. Choose a different volume name.`,
    )
  }

  async #create(name: string, anonymous: boolean, request: VolumeCreateRequest): Promise<VolumeRecord> {
    const { Driver = '', DriverOpts = {}, Labels = {} } = request
    readDriverOptions(Driver, DriverOpts)
    const record: VolumeRecord = {
      name,
      anonymous,
      driver: 'local',
      driverOptions: DriverOpts,
      labels: Labels,
      createdAtMs: this.#ports.clock.nowMs(),
    }
    await this.#disk.create(record)
    this.#records.set(name, record)
    this.#ports.emit?.('create', name, { driver: record.driver })
    return record
  }

  async #remove(name: string, force: boolean): Promise<void> {
    if (force && !this.#records.has(name)) return
    const record = this.#get(name)
    const users = this.#usersOf(name)
    if (users.length > 0) {
      throw conflict('VOLUME_IN_USE', `remove ${name}: volume is in use - [${users.join(', ')}]`)
    }
    await this.#unmountDevice(record)
    await this.#disk.remove(name)
    this.#records.delete(name)
    this.#ports.emit?.('destroy', name, { driver: record.driver })
  }

  async #letGo(name: string, remove: boolean): Promise<void> {
    const record = this.#records.get(name)
    if (record === undefined || this.#usersOf(name).length > 0) return
    this.#ports.emit?.('unmount', name, { driver: record.driver })
    if (remove && record.anonymous) await this.#remove(name, true)
    else await this.#unmountDevice(record)
  }

  async #mountDevice({ name, driver, driverOptions }: VolumeRecord): Promise<void> {
    const device = readDriverOptions(driver, driverOptions)
    if (device !== undefined) await ensureMounted(this.#mounter, { name, device, target: this.#disk.dataPath(name) })
  }

  async #unmountDevice({ name, driver, driverOptions }: VolumeRecord): Promise<void> {
    if (readDriverOptions(driver, driverOptions) === undefined) return
    const target = this.#disk.dataPath(name)
    if (await this.#mounter.isMounted(target)) this.#mounter.unmount(target)
  }

  async #isFresh(data: string, mark: string): Promise<boolean> {
    return (await exists(mark)) || isEmptyDirectory(data)
  }

  #get(name: string): VolumeRecord {
    const record = this.#records.get(name)
    if (record === undefined) throw notFound('NO_SUCH_VOLUME', `get ${name}: no such volume`)
    return record
  }

  #inspect(record: VolumeRecord): VolumeInspect {
    return inspectVolume(record, this.#disk.dataPath(record.name))
  }

  #usersOf(name: string): string[] {
    return [...this.#uses].filter(([, uses]) => uses.some(use => use.name === name)).map(([container]) => container)
  }
}

/** Refused before anything is made, so that a container that cannot be made leaves no volumes behind. */
async function checkBindSources(wanted: readonly WantedMount[]): Promise<void> {
  for (const mount of wanted) {
    if (mount.type === 'bind' && !mount.createSource && !(await exists(mount.source))) {
      throw invalidInput(
        'BIND_SOURCE_MISSING',
        `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`,
      )
    }
    if (mount.type === 'volume') {
      if (mount.name !== undefined) checkVolumeName(mount.name)
      readDriverOptions(mount.driver, mount.driverOptions)
    }
  }
}

/** The same container asks for the same name again, whichever start it is: nothing needs to be remembered elsewhere. */
function anonymousName(containerId: string, destination: string): string {
  return hashOf({ containerId, destination })
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return false
    throw error
  }
}
