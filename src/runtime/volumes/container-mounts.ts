import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOf } from '../../core/digest.ts'
import { errorCode, invalidInput } from '../../core/errors.ts'
import type { ContainerMounts, MountsOrigin, PreparedMount } from '../ports.ts'
import { copyFromRoot, isEmptyDirectory } from './copy-up.ts'
import { readDriverOptions } from './local-driver.ts'
import { bindMount, takenOver, tmpfsMount, volumeMount } from './prepared-mount.ts'
import { mountSubpath, unmountSubpaths } from './subpath.ts'
import { checkVolumeName } from './volume-record.ts'
import type { VolumeTable } from './volume-table.ts'
import { type WantedMount, wantedMounts } from './wanted-mounts.ts'

/** What containers ask of volumes, from their creation to their removal. */
export function createContainerMounts(table: VolumeTable): ContainerMounts {
  const { disk, locks, mounter, ports } = table
  return {
    async prepare(containerId, request, image, origins = []) {
      const asked = wantedMounts(request, image)
      const inherited = inheritedMounts(origins, asked)
      const places = new Set(inherited.map(({ destination }) => destination))
      const wanted = asked.filter(mount => !places.has(mount.destination))
      await checkSources(wanted)
      const prepared: PreparedMount[] = []
      for (const mount of wanted) prepared.push(await prepareMount(table, containerId, mount))
      for (const mount of inherited) prepared.push(await inherit(table, containerId, mount))
      return prepared.toSorted((a, b) => depth(a.destination) - depth(b.destination))
    },
    async enter(containerId, mounts) {
      for (const mount of mounts) {
        const { Name: name, Driver: driver = '', Destination: destination, RW, Propagation: propagation } = mount.point
        if (name === undefined) continue
        await locks.run(name, async () => {
          await table.mountDevice(table.get(name))
          table.activate(containerId, name)
        })
        const { subpath, source } = mount
        if (subpath !== undefined) await mountSubpath({ data: disk.dataPath(name), subpath }, source, mounter)
        const access = { 'read/write': String(RW) }
        ports.emit?.('mount', name, { container: containerId, destination, driver, propagation, ...access })
      }
    },
    adopt(containerId, mounts) {
      for (const { point } of mounts) if (point.Name !== undefined) table.activate(containerId, point.Name)
    },
    async leave(containerId) {
      const entered = table.deactivate(containerId)
      await unmountSubpaths(disk.partsFolder(containerId), mounter)
      for (const name of new Set([...entered, ...table.usesOf(containerId).map(use => use.name)])) {
        const driver = table.find(name)?.driver ?? 'local'
        if (entered.has(name)) ports.emit?.('unmount', name, { container: containerId, driver })
        await locks.run(name, async () => {
          const record = table.find(name)
          if (record !== undefined && !table.isActive(name)) await table.unmountDevice(record)
        })
      }
    },
    async copyUp(rootPath, { point, source, destination, copyUp }) {
      const name = point.Name
      if (!copyUp || name === undefined) return
      const volume = { data: source, mark: disk.copyingMark(name) }
      await locks.run(name, async () => {
        const isThere = await table.isDeviceMounted(table.get(name))
        if (isThere && (await isFresh(source, volume.mark))) await copyFromRoot(rootPath, destination, volume)
      })
    },
    async release(containerId, { anonymous }) {
      for (const { name, anonymous: own } of table.forgetUser(containerId)) {
        await locks.run(name, async () => {
          const isOurs = anonymous && own && table.find(name)?.anonymous === true
          if (isOurs && table.usersOf(name).length === 0) await table.remove(name, true)
        })
      }
      // Last, so that a crash on the way leaves the next engine something to go by.
      await disk.removeUse(containerId)
    },
  }
}

async function prepareMount(table: VolumeTable, containerId: string, wanted: WantedMount): Promise<PreparedMount> {
  if (wanted.type === 'tmpfs') return tmpfsMount(wanted)
  if (wanted.type === 'bind') {
    if (wanted.createSource && !(await exists(wanted.source))) await mkdir(wanted.source, { recursive: true })
    return bindMount(wanted)
  }
  const { disk } = table
  const name = wanted.name ?? anonymousName(containerId, wanted.destination)
  const { driver } = await table.ensure(
    { Name: name, Driver: wanted.driver, DriverOpts: wanted.driverOptions, Labels: wanted.labels },
    { anonymous: wanted.name === undefined, user: containerId },
  )
  const data = disk.dataPath(name)
  const copyUp = !wanted.noCopy && wanted.subpath === undefined && (await isFresh(data, disk.copyingMark(name)))
  const partPath = join(disk.partsFolder(containerId), hashOf(wanted.destination).slice(0, 16))
  return volumeMount(wanted, { name, driver, data, copyUp, partPath })
}

/** Mounts of other containers, the later ones first; what is asked for by name at the same place wins. */
function inheritedMounts(origins: readonly MountsOrigin[], asked: readonly WantedMount[]): readonly PreparedMount[] {
  const named = asked.filter(mount => mount.type !== 'volume' || mount.name !== undefined)
  const taken = new Set(named.map(({ destination }) => destination))
  const found: PreparedMount[] = []
  for (const { mounts, readOnly } of origins.toReversed()) {
    for (const mount of mounts.filter(({ destination, unlisted }) => !taken.has(destination) && unlisted !== true)) {
      taken.add(mount.destination)
      found.push(takenOver(mount, readOnly))
    }
  }
  return found
}

async function inherit(table: VolumeTable, containerId: string, mount: PreparedMount): Promise<PreparedMount> {
  const { Name: name } = mount.point
  if (name === undefined) return mount
  const anonymous = table.get(name).anonymous
  await table.ensure({ Name: name }, { anonymous, user: containerId })
  if (mount.subpath === undefined) return mount
  const partPath = join(table.disk.partsFolder(containerId), hashOf(mount.destination).slice(0, 16))
  return { ...mount, source: partPath }
}

/** Refused before anything is made, so that a container that cannot be made leaves no volumes behind. */
async function checkSources(wanted: readonly WantedMount[]): Promise<void> {
  for (const mount of wanted) {
    if (mount.type === 'bind' && !mount.createSource && !(await exists(mount.source))) {
      throw invalidInput(
        'BIND_SOURCE_MISSING',
        `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`,
      )
    }
    if (mount.type === 'volume') {
      readDriverOptions(mount.driver, mount.driverOptions)
      if (mount.name !== undefined) checkVolumeName(mount.name)
    }
  }
}

function depth(path: string): number {
  return path.split('/').length
}

/** The same container asks for the same name again, whichever start it is: nothing needs to be remembered elsewhere. */
function anonymousName(containerId: string, destination: string): string {
  return hashOf({ containerId, destination })
}

async function isFresh(data: string, mark: string): Promise<boolean> {
  return (await exists(mark)) || isEmptyDirectory(data)
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
