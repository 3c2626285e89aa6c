import { mkdirSync, statSync } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode, failed, invalidInput, notFound } from '../../core/errors.ts'
import { KeyedLock } from '../../core/keyed-lock.ts'
import { type HeldDirectory, heldDirectory, holdDirectory } from '../linux/files/fd-path.ts'
import { readIfThere } from '../linux/files/read-if-there.ts'
import { removeTree } from '../linux/files/remove-tree.ts'
import { cloneMounts, MOUNT_FLAGS, mount, unmountAside } from '../linux/mount.ts'
import { insideOwnMounts } from '../linux/process/namespaces.ts'
import type { LayerRef, OverlayRoots } from './contract.ts'
import { checkPlatform, parsePlatform } from './format/platform.ts'
import type { StoreParts } from './store/store-parts.ts'

/** What a writable layer stands on, kept beside it: the image may lose its name while the container lives. */
export interface RootRecord {
  readonly imageId: string
  readonly diffIds: readonly string[]
}

/** Root file systems of containers: overlayfs mounts of an image's layers and a writable layer of the container's own. */
export class ContainerOverlays implements OverlayRoots {
  readonly #parts: StoreParts
  readonly #lock = new KeyedLock()
  readonly #records: Map<string, RootRecord>

  private constructor(parts: StoreParts, records: Map<string, RootRecord>) {
    this.#parts = parts
    this.#records = records
  }

  static async open(parts: StoreParts): Promise<ContainerOverlays> {
    const records = new Map<string, RootRecord>()
    for (const id of await readdir(parts.layout.roots)) {
      const bytes = await readIfThere(join(parts.layout.roots, id, 'root.json'))
      // Without a record it was never mounted: a crash came first.
      if (bytes === undefined || bytes.length === 0)
        await rm(join(parts.layout.roots, id), { recursive: true, force: true })
      else records.set(id, JSON.parse(bytes.toString()) as RootRecord)
    }
    await makeInitLayer(parts.layout)
    return new ContainerOverlays(parts, records)
  }

  /** Diff ids that writable layers stand on. */
  usedLayers(): ReadonlySet<string> {
    return new Set([...this.#records.values()].flatMap(record => record.diffIds))
  }

  readonly resolve: OverlayRoots['resolve'] = async (reference, { platform } = {}) => {
    const wanted = platform === undefined ? undefined : parsePlatform(platform)
    const { id } = this.#parts.catalog.find(reference)
    const config = await this.#parts.catalog.config(id)
    return { id, config: config.config ?? {}, warnings: checkPlatform(reference, config, wanted) }
  }

  readonly descendants: OverlayRoots['descendants'] = imageId => this.#parts.catalog.descendantsOf(imageId)

  readonly mount: OverlayRoots['mount'] = (containerId, imageId, { bare = false } = {}) =>
    this.#lock.run(containerId, async () => {
      const directory = this.#directoryOf(containerId)
      const target = join(directory, 'merged')
      if (isMounted(target)) return target
      const record = this.#records.get(containerId) ?? (await this.#prepare(containerId, directory, imageId))
      this.#mountOverlay(record, { directory, target, bare })
      return target
    })

  readonly unmount: OverlayRoots['unmount'] = containerId =>
    this.#lock.run(containerId, () => unmountAside(join(this.#directoryOf(containerId), 'merged')))

  readonly remove: OverlayRoots['remove'] = containerId =>
    this.#lock.run(containerId, async () => {
      const directory = this.#directoryOf(containerId)
      const target = join(directory, 'merged')
      if (isMounted(target)) await unmountAside(target)
      // Deleting through a mount that is still there would delete what it shows.
      if (isMounted(target)) {
        throw failed('ROOT_BUSY', `The root of container ${containerId} is still mounted at ${target}: unmount it`)
      }
      // The writable layer may hold anything the container made, but nothing in it is followed.
      await removeTree(directory)
      this.#records.delete(containerId)
    })

  readonly list: OverlayRoots['list'] = () => Promise.resolve([...this.#records.keys()])

  readonly changes: OverlayRoots['changes'] = containerId => {
    const upper = join(this.#directoryOf(containerId), 'upper')
    if (this.#records.has(containerId)) return Promise.resolve(upper)
    return Promise.reject(notFound('NO_SUCH_ROOT', `The container ${containerId} has no writable layer`))
  }

  readonly holdImage: OverlayRoots['holdImage'] = (containerId, imageId) =>
    this.#lock.run(containerId, async () => {
      const record = this.#recordOf(containerId, imageId)
      const { roots: target, initLayer, emptyLayer } = this.#parts.layout
      // In a namespace of its own, so that no crash can leave the mount behind. Layers are held there too: overlayfs takes
      // none from another one.
      const tree = insideOwnMounts(() => {
        using layers = holdDirectory(this.#parts.layout.layers)
        using init = holdDirectory(initLayer)
        using empty = holdDirectory(emptyLayer)
        // Overlayfs does not take a single lower directory without an upper one.
        const data = `lowerdir=${[init.path, ...this.#lowerOf(record, layers), empty.path].join(':')}`
        mount({ source: 'overlay', target, type: 'overlay', flags: MOUNT_FLAGS.readOnly, data })
        return cloneMounts(target)
      })
      return heldDirectory(tree)
    })

  readonly places: OverlayRoots['places'] = (containerId, imageId) => {
    const { layout, layers } = this.#parts
    const directory = this.#directoryOf(containerId)
    const diffIds = this.#records.get(containerId)?.diffIds ?? this.#parts.catalog.get(imageId)?.layers.map(diffIdOf)
    const lower = (diffIds ?? []).flatMap(diffId => layers.shortName(diffId) ?? [])
    return {
      LowerDir: [layout.initLayer, ...lower.reverse().map(short => join(layout.layers, short))].join(':'),
      MergedDir: join(directory, 'merged'),
      UpperDir: join(directory, 'upper'),
      WorkDir: join(directory, 'work'),
    }
  }

  readonly imageBytes: OverlayRoots['imageBytes'] = async (containerId, imageId) =>
    this.#recordOf(containerId, imageId).diffIds.reduce((sum, id) => sum + this.#parts.layers.unpackedBytes(id), 0)

  /** What a container stands on, or would stand on. */
  #recordOf(containerId: string, imageId: string): RootRecord {
    const known = this.#records.get(containerId)
    if (known !== undefined) return known
    const image = this.#parts.catalog.find(imageId)
    return { imageId: image.id, diffIds: image.layers.map(diffIdOf) }
  }

  /**
   * Layers for a mount, uppermost first; one that comes twice counts where it is uppermost. Options must fit into a page:
   * paths through a descriptor are short wherever the data root is, and the image specification's own limit of 127
   * layers fits.
   */
  #lowerOf({ imageId, diffIds }: RootRecord, layers: HeldDirectory): string[] {
    const shorts = diffIds.map(diffId => this.#parts.layers.shortName(diffId))
    if (shorts.includes(undefined)) {
      throw notFound('NO_SUCH_LAYER', `A layer of image ${imageId} is gone: pull the image again`)
    }
    return [...new Set(shorts.reverse())].map(short => `${layers.path}/${short}`)
  }

  #directoryOf(containerId: string): string {
    if (!/^[a-zA-Z0-9][\w.-]*$/.test(containerId)) {
      throw invalidInput('BAD_CONTAINER_ID', `"${containerId}" is no container id`)
    }
    return join(this.#parts.layout.roots, containerId)
  }

  async #prepare(containerId: string, directory: string, imageId: string): Promise<RootRecord> {
    const image = this.#parts.catalog.find(imageId)
    const record = { imageId: image.id, diffIds: image.layers.map(diffIdOf) }
    this.#records.set(containerId, record)
    await mkdir(directory, { recursive: true, mode: 0o755 })
    const path = join(directory, 'root.json')
    await Promise.all([
      ...['upper', 'work', 'merged'].map(name => mkdir(join(directory, name), { recursive: true, mode: 0o755 })),
      // Not synced: that would cost more than all the rest of a start, and only a power cut could tell.
      writeFile(`${path}.new`, JSON.stringify(record)),
    ])
    await rename(`${path}.new`, path)
    return record
  }

  #mountOverlay(record: RootRecord, { directory, target, bare }: { directory: string; target: string; bare: boolean }) {
    const { layout } = this.#parts
    mkdirSync(target, { recursive: true })
    using layers = holdDirectory(layout.layers)
    using own = holdDirectory(directory)
    // Overlayfs wants a lower directory even for an image of no layers.
    using above = holdDirectory(bare ? layout.emptyLayer : layout.initLayer)
    const lower = this.#lowerOf(record, layers)
    const options = [
      `lowerdir=${[above.path, ...lower].join(':')}`,
      `upperdir=${own.path}/upper`,
      `workdir=${own.path}/work`,
      // What a container changes must be found whole in its upper directory, or packing it would lose content.
      'index=off',
      'redirect_dir=off',
      'metacopy=off',
    ]
    try {
      mount({ source: 'overlay', target, type: 'overlay', data: options.join(',') })
    } catch (error) {
      throw mountError(error, { directory, layers: lower.length })
    }
  }
}

/**
 * The layer between a container's image and what it changes: Docker's mark of a container, which programs look for. It is in
 * no image and counts as no change.
 */
async function makeInitLayer({ initLayer, emptyLayer }: StoreParts['layout']): Promise<void> {
  for (const path of [initLayer, emptyLayer]) await mkdir(path, { recursive: true, mode: 0o755 })
  const mark = join(initLayer, '.dockerenv')
  await writeFile(mark, '')
  await chmod(mark, 0o755)
}

function diffIdOf({ diffId }: LayerRef): string {
  return diffId
}

function isMounted(path: string): boolean {
  try {
    return statSync(path).dev !== statSync(dirname(path)).dev
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

function mountError(cause: unknown, { directory, layers }: { directory: string; layers: number }): Error {
  const code = errorCode(cause)
  const details =
    code === 'ENODEV'
      ? 'the kernel has no overlay file system; load the module "overlay"'
      : code === 'EPERM'
        ? 'mounting is not allowed here; run as root'
        : 'its file system may not carry an overlay (one inside a container often does not); use a data root on ext4 or xfs'
  return failed('OVERLAY_REFUSED', `Cannot mount ${layers} layers at ${directory} (${code}): ${details}`, { cause })
}
