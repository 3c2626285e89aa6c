import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../core/clock.ts'
import { failed } from '../../../core/errors.ts'
import { readIfThere } from '../../linux/files/read-if-there.ts'
import { replaceFile } from './files.ts'

/** Raised when what is on disk changes its meaning. */
const FORMAT = '1'

/** What no image uses is kept this long: an unfinished download to go on with, layers of earlier builds to reuse. */
export const UNFINISHED_KEPT_MS = 24 * 3_600_000

/** Where everything of the store lies. */
export interface Layout {
  readonly root: string
  /** `<hex>`: manifests, configs and packed layers. */
  readonly blobs: string
  /** `<hex>`: downloads that are not complete. */
  readonly partial: string
  /** `<short>`: unpacked layers; names are short because a mount's options must fit into a page. */
  readonly layers: string
  /** `<hex>.json`: which unpacked layer has which diff id. A layer without a record does not exist. */
  readonly layerRecords: string
  /** `<hex>.json`: images. */
  readonly imageRecords: string
  readonly references: string
  /** Scratch for what is being made; emptied at the start. */
  readonly scratch: string
  /** What every container has between its image and its writable layer, and a directory of nothing. */
  readonly initLayer: string
  readonly emptyLayer: string
  /** `<container>/`: writable layers and mount points. */
  readonly roots: string
}

/**
 * Opens the directories of a store, making what is missing and removing what a crash left half done.
 * Throws DATA_ROOT_FORMAT if they were written by a version whose format we do not know.
 */
export async function openLayout(dataRoot: string, clock: Clock): Promise<Layout> {
  const root = join(dataRoot, 'images')
  const layout: Layout = {
    root,
    blobs: join(root, 'blobs', 'sha256'),
    partial: join(root, 'partial'),
    layers: join(root, 'layers'),
    layerRecords: join(root, 'layer-records'),
    imageRecords: join(root, 'image-records'),
    references: join(root, 'references.json'),
    scratch: join(root, 'scratch'),
    initLayer: join(root, 'init'),
    emptyLayer: join(root, 'empty'),
    roots: join(dataRoot, 'roots'),
  }
  await checkFormat(root)
  await rm(layout.scratch, { recursive: true, force: true })
  for (const path of [layout.blobs, layout.partial, layout.layers, layout.layerRecords, layout.imageRecords]) {
    await mkdir(path, { recursive: true, mode: 0o700 })
  }
  await mkdir(layout.scratch, { mode: 0o700 })
  // runc enters roots as users of user namespaces may: they need to pass through, not to list.
  await mkdir(layout.roots, { recursive: true, mode: 0o711 })
  await removeOld(layout.partial, clock.nowMs() - UNFINISHED_KEPT_MS)
  return layout
}

async function checkFormat(root: string): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const path = join(root, 'format')
  const found = (await readIfThere(path))?.toString().trim()
  if (found === undefined || found === '') return replaceFile(path, `${FORMAT}\n`)
  if (found !== FORMAT) {
    throw failed(
      'DATA_ROOT_FORMAT',
      `The images in ${root} have format ${found}, this version knows format ${FORMAT}: use the version that wrote them, or another data root`,
    )
  }
}

/** Removes files of a directory last written before a time. */
async function removeOld(directory: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const { mtimeMs } = await stat(path)
    if (mtimeMs < beforeMs) await rm(path, { recursive: true, force: true })
  }
}
