import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { KeyedLock } from '../../../core/keyed-lock.ts'
import { newShortId, type Random } from '../../../core/random.ts'
import type { LayerRef } from '../contract.ts'
import { type Unpacked, unpackArchive } from '../tar/unpack.ts'
import { LAYER_LIMITS } from '../tar/unpack-error.ts'
import type { UnpackOptions, UnpackPool } from '../tar/unpack-pool.ts'
import { type BlobStore, hexOf, wrongDigest } from './blob-store.ts'
import type { Layout } from './layout.ts'
import { RecordFiles } from './record-file.ts'

interface LayerRecord extends LayerRef {
  /** Name of the directory below `layers/`. */
  readonly short: string
  readonly unpackedBytes: number
}

/** A smaller layer is unpacked before a process would have begun. */
const PROCESS_FROM_BYTES = 128 * 1024

/** A layer unpacked into scratch, that nobody sees before it is committed. */
export interface UnpackedLayer {
  readonly ref: LayerRef
  readonly scratch: string
  readonly unpackedBytes: number
}

interface LayerStoreParts {
  readonly layout: Layout
  readonly blobs: BlobStore
  readonly random: Random
  readonly pool: UnpackPool
}

/**
 * Unpacked layers by diff id. An unpacked layer in overlayfs' form does not depend on those below it, so images with
 * the same layer in another place share its directory.
 */
export class LayerStore {
  readonly #layout: Layout
  readonly #blobs: BlobStore
  readonly #random: Random
  readonly #pool: UnpackPool
  readonly #records: RecordFiles<LayerRecord>
  readonly #lock = new KeyedLock()

  private constructor(parts: LayerStoreParts, records: RecordFiles<LayerRecord>) {
    this.#layout = parts.layout
    this.#blobs = parts.blobs
    this.#random = parts.random
    this.#pool = parts.pool
    this.#records = records
  }

  /** Opens the layers, and removes directories that no record speaks of. */
  static async open(parts: LayerStoreParts): Promise<LayerStore> {
    const { layout } = parts
    const records = await RecordFiles.open<LayerRecord>(layout.layerRecords)
    const known = new Set(records.entries().map(([, record]) => record.short))
    for (const name of await readdir(layout.layers)) {
      if (!known.has(name)) await rm(join(layout.layers, name), { recursive: true, force: true })
    }
    return new LayerStore(parts, records)
  }

  get(diffId: string): LayerRef | undefined {
    return this.#records.get(hexOf(diffId))
  }

  /** The directory of a layer, relative to `layers/`. */
  shortName(diffId: string): string | undefined {
    return this.#records.get(hexOf(diffId))?.short
  }

  /** Makes a directory in scratch to unpack a layer into. */
  async draft(): Promise<string> {
    const scratch = join(this.#layout.scratch, newShortId(this.#random))
    await mkdir(scratch, { mode: 0o755 })
    return scratch
  }

  /** Unpacks a blob into scratch and checks its diff id, if that is known. */
  async unpack(
    blob: { readonly digest: string; readonly size: number; readonly mediaType: string },
    expectedDiffId: string | undefined,
    options: UnpackOptions = {},
  ): Promise<UnpackedLayer> {
    const scratch = await this.draft()
    try {
      const { diffId, contentBytes } = await this.#unpackInto(scratch, blob, options)
      if (expectedDiffId !== undefined && diffId !== expectedDiffId) {
        throw wrongDigest(expectedDiffId, `the layer ${blob.digest} unpacks to ${diffId}`)
      }
      const { digest, size, mediaType } = blob
      return { ref: { diffId, digest, size, mediaType }, scratch, unpackedBytes: contentBytes }
    } catch (error) {
      await rm(scratch, { recursive: true, force: true })
      throw error
    }
  }

  #unpackInto(
    directory: string,
    { digest, size }: { readonly digest: string; readonly size: number },
    options: UnpackOptions,
  ): Promise<Unpacked> {
    if (size >= PROCESS_FROM_BYTES) {
      return this.#pool.unpack({ path: this.#blobs.pathOf(digest), directory, limits: LAYER_LIMITS }, options)
    }
    return unpackArchive(this.#blobs.stream(digest), directory, { limits: LAYER_LIMITS, whiteouts: true, ...options })
  }

  /** Makes an unpacked layer visible. The caller has synced the file system before. */
  async commit({ ref, scratch, unpackedBytes }: UnpackedLayer): Promise<void> {
    await this.#lock.run(ref.diffId, async () => {
      if (this.get(ref.diffId) !== undefined) return rm(scratch, { recursive: true, force: true })
      const short = newShortId(this.#random)
      await rename(scratch, join(this.#layout.layers, short))
      await this.#records.put(hexOf(ref.diffId), { ...ref, short, unpackedBytes })
    })
  }

  async discard({ scratch }: UnpackedLayer): Promise<void> {
    await rm(scratch, { recursive: true, force: true })
  }

  /** Bytes of a layer as containers see it. */
  unpackedBytes(diffId: string): number {
    return this.#records.get(hexOf(diffId))?.unpackedBytes ?? 0
  }

  /** Removes a layer, unless `stillUsed` says at the last moment that somebody took it up. */
  async remove(diffId: string, stillUsed: () => boolean): Promise<void> {
    await this.#lock.run(diffId, async () => {
      const record = this.#records.get(hexOf(diffId))
      if (record === undefined || stillUsed()) return
      await this.#records.remove(hexOf(diffId))
      await rm(join(this.#layout.layers, record.short), { recursive: true, force: true })
    })
  }

  /** Layers whose record is older than a time. */
  async olderThan(timeMs: number): Promise<readonly string[]> {
    const old: string[] = []
    for (const [hex] of this.#records.entries()) {
      const { mtimeMs } = await stat(join(this.#layout.layerRecords, `${hex}.json`))
      if (mtimeMs < timeMs) old.push(`sha256:${hex}`)
    }
    return old
  }
}
