import { readdirSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newShortId } from '../../../core/random.ts'
import type { LayerRef } from '../../images/index.ts'
import { hiddenImage } from '../base-image.ts'
import type { Build } from '../build.ts'
import type { BuildState } from '../state.ts'

type Change = (root: string) => Promise<void> | void

/** Lets `change` work on the root of what was built so far, and keeps what it changed as a layer; undefined if nothing. */
export async function changeRoot(build: Build, state: BuildState, change: Change): Promise<LayerRef | undefined> {
  return withRoot(build, state, async (root, rootId) => {
    await change(root)
    await build.store.roots.unmount(rootId)
    return keepChanges(build, rootId)
  })
}

/** Mounts the root of a state, and removes it again with whatever was changed in it. */
export async function withRoot<T>(
  build: Build,
  state: BuildState,
  use: (root: string, rootId: string) => Promise<T>,
): Promise<T> {
  const { roots } = build.store
  const rootId = `build-${build.id}-${newShortId(build.random)}`
  try {
    return await use(await roots.mount(rootId, await hiddenImage(build, state), { bare: true }), rootId)
  } finally {
    await roots.remove(rootId)
  }
}

/** Lets `change` fill an empty directory, and keeps it as a layer that depends on none below. */
export async function fillLayer(build: Build, change: Change): Promise<LayerRef | undefined> {
  const directory = join(build.scratch, newShortId(build.random))
  await mkdir(directory, { mode: 0o755 })
  try {
    await change(directory)
    return await keepLayer(build, directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Packs what a container, or a mounted root, changed; undefined if nothing. */
export async function keepChanges(build: Build, rootId: string): Promise<LayerRef | undefined> {
  return keepLayer(build, await build.store.roots.changes(rootId))
}

async function keepLayer({ store, signal, times }: Build, directory: string): Promise<LayerRef | undefined> {
  if (readdirSync(directory).length === 0) return undefined
  return store.addLayer({ directory, kind: 'upper', ...times.files }, signal)
}
