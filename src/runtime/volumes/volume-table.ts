import { conflict, notFound, ShoalError } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import { newHexId } from '../../core/random.ts'
import type { VolumeCreateRequest, VolumeInspect } from '../../docker-api/index.ts'
import type { VolumeMounter } from './kernel-mounter.ts'
import { readDriverOptions } from './local-driver.ts'
import type { VolumeDisk, VolumeUse } from './volume-disk.ts'
import type { VolumeStorePorts } from './volume-ports.ts'
import { checkVolumeName, inspectVolume, type VolumeRecord } from './volume-record.ts'

export type Use = VolumeUse['volumes'][number]

/** The volumes that exist, which containers use them, and which of those run. */
export class VolumeTable {
  readonly disk: VolumeDisk
  readonly ports: VolumeStorePorts
  readonly mounter: VolumeMounter
  /** By volume: what changes a volume happens under its lock. */
  readonly locks = new KeyedLock()
  readonly #records = new Map<string, VolumeRecord>()
  /** Container id -> volumes. */
  readonly #uses = new Map<string, readonly Use[]>()
  /** Container id -> names of volumes its run uses now. */
  readonly #active = new Map<string, Set<string>>()

  constructor(disk: VolumeDisk, ports: VolumeStorePorts, mounter: VolumeMounter) {
    this.disk = disk
    this.ports = ports
    this.mounter = mounter
  }

  async open(): Promise<void> {
    const { records, uses } = await this.disk.open()
    for (const record of records) this.#records.set(record.name, record)
    for (const use of uses) this.#uses.set(use.containerId, use.volumes)
  }

  all(): readonly VolumeRecord[] {
    return [...this.#records.values()]
  }

  find(name: string): VolumeRecord | undefined {
    return this.#records.get(name)
  }

  get(name: string): VolumeRecord {
    const record = this.#records.get(name)
    if (record === undefined) throw notFound('NO_SUCH_VOLUME', `get ${name}: no such volume`)
    return record
  }

  inspect(record: VolumeRecord): VolumeInspect {
    return inspectVolume(record, this.disk.dataPath(record.name))
  }

  usersOf(name: string): readonly string[] {
    return [...this.#uses].filter(([, uses]) => uses.some(use => use.name === name)).map(([container]) => container)
  }

  usesOf(containerId: string): readonly Use[] {
    return this.#uses.get(containerId) ?? []
  }

  /**
   * Finds or makes a volume, and, in one step that a removal cannot come between, notes who uses it. The use is noted
   * first: after a crash between the two, releasing the container finds the volume.
   */
  ensure(
    request: VolumeCreateRequest,
    { anonymous = !request.Name, user }: { readonly anonymous?: boolean; readonly user?: string } = {},
  ): Promise<VolumeRecord> {
    const name = request.Name || newHexId(this.ports.random)
    return this.locks.run(name, async () => {
      const record = this.#existing(name, request)
      if (user !== undefined) await this.#addUse(user, { name, anonymous })
      return record ?? this.#create(name, anonymous, request)
    })
  }

  async #addUse(containerId: string, use: Use): Promise<void> {
    const uses = this.usesOf(containerId)
    if (uses.some(known => known.name === use.name)) return
    const next = [...uses, use]
    await this.disk.writeUse({ containerId, volumes: next })
    this.#uses.set(containerId, next)
  }

  /** As Docker: an existing volume is what it is, whatever options and labels are asked for now. */
  #existing(name: string, { Driver = '' }: VolumeCreateRequest): VolumeRecord | undefined {
    const record = this.#records.get(name)
    if (record === undefined || Driver === '' || Driver === record.driver) return record
    explained(name, () => readDriverOptions(Driver, null))
    throw conflict(
      'VOLUME_EXISTS',
      `create ${name}: driver "${record.driver}" already has volume "${name}": volume name must be unique`,
    )
  }

  async #create(name: string, anonymous: boolean, request: VolumeCreateRequest): Promise<VolumeRecord> {
    const { Driver = '', DriverOpts = null, Labels = null } = request
    explained(name, () => {
      readDriverOptions(Driver, null)
      checkVolumeName(name)
      readDriverOptions(Driver, DriverOpts)
    })
    const record: VolumeRecord = {
      name,
      anonymous,
      driver: 'local',
      driverOptions: DriverOpts,
      labels: Labels,
      createdAtMs: this.ports.clock.nowMs(),
    }
    await this.disk.create(record)
    this.#records.set(name, record)
    this.ports.emit?.('create', name, { driver: record.driver })
    return record
  }

  /** Under its lock. */
  async remove(name: string, force: boolean): Promise<void> {
    if (force && !this.#records.has(name)) return
    const record = this.get(name)
    const users = this.usersOf(name)
    if (users.length > 0) throw conflict('VOLUME_IN_USE', `remove ${name}: volume is in use - [${users.join(', ')}]`)
    await this.unmountDevice(record)
    await this.disk.remove(name)
    this.#records.delete(name)
    this.ports.emit?.('destroy', name, { driver: record.driver })
  }

  /** Forgets a container; gives what it used. On disk it is forgotten by {@link VolumeDisk.removeUse}. */
  forgetUser(containerId: string): readonly Use[] {
    const uses = this.usesOf(containerId)
    this.#uses.delete(containerId)
    return uses
  }

  activate(containerId: string, name: string): void {
    const names = this.#active.get(containerId) ?? new Set()
    this.#active.set(containerId, names.add(name))
  }

  /** Names of the volumes that the container's run used. */
  deactivate(containerId: string): ReadonlySet<string> {
    const names = this.#active.get(containerId) ?? new Set()
    this.#active.delete(containerId)
    return names
  }

  isActive(name: string): boolean {
    return [...this.#active.values()].some(names => names.has(name))
  }

  async mountDevice({ name, driver, driverOptions }: VolumeRecord): Promise<void> {
    const device = readDriverOptions(driver, driverOptions)
    const target = this.disk.dataPath(name)
    if (device === undefined || (await this.mounter.isMounted(target))) return
    await this.mounter.mount(device, target)
  }

  /** True for a volume that is a plain directory. */
  async isDeviceMounted({ name, driver, driverOptions }: VolumeRecord): Promise<boolean> {
    return readDriverOptions(driver, driverOptions) === undefined || this.mounter.isMounted(this.disk.dataPath(name))
  }

  async unmountDevice({ name, driver, driverOptions }: VolumeRecord): Promise<void> {
    if (readDriverOptions(driver, driverOptions) === undefined) return
    const target = this.disk.dataPath(name)
    if (await this.mounter.isMounted(target)) this.mounter.unmount(target)
  }
}

/** Puts Docker's `create <name>: ` before a refusal. */
function explained(name: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    throw new ShoalError(error.code, error.status, `create ${name}: ${error.message}`)
  }
}
