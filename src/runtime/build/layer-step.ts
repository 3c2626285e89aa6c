import { readdirSync } from 'node:fs'
import { hashOf } from '../../core/digest.ts'
import { newShortId } from '../../core/random.ts'
import type { LayerRef } from '../images/index.ts'
import type { Build } from './build.ts'
import { type BuildState, withLayer } from './state.ts'

/** A step that changes files. */
export interface LayerWork {
  readonly text: string
  /** What the result depends on besides the state before: the text, digests of sources, build arguments. */
  readonly inputs: unknown
  /** Does it; resolves with the layer, or undefined if nothing changed. */
  readonly make: () => Promise<LayerRef | undefined>
}

/** Takes the layer of a step from the cache, or makes it. */
export async function layerStep(build: Build, state: BuildState, work: LayerWork): Promise<BuildState> {
  const { cache, options, clock, report } = build
  const key = hashOf([state.key, work.text, work.inputs])
  const cached = options.noCache ? undefined : await cache.get(key)
  if (cached !== undefined) {
    report({ stream: ' ---> Using cache\n' })
    return withLayer(state, { layer: cached.layer, text: work.text, key, madeMs: cached.madeMs })
  }
  const layer = await work.make()
  const madeMs = clock.nowMs()
  await cache.put(key, layer === undefined ? { madeMs } : { layer, madeMs })
  return withLayer(state, { layer, text: work.text, key, madeMs })
}

/** Lets `change` work on the root of an image, and keeps what it changed as a layer. */
export async function changeRoot(
  { store, random, signal }: Build,
  imageId: string,
  change: (root: string) => Promise<void> | void,
): Promise<LayerRef | undefined> {
  const rootId = `build-${newShortId(random)}`
  try {
    await change(await store.roots.mount(rootId, imageId))
    await store.roots.unmount(rootId)
    return await keepChanges({ store, signal }, rootId)
  } finally {
    await store.roots.remove(rootId)
  }
}

/** Packs what a container, or a mounted root, changed; undefined if nothing. */
export async function keepChanges(
  { store, signal }: Pick<Build, 'store' | 'signal'>,
  rootId: string,
): Promise<LayerRef | undefined> {
  const directory = await store.roots.changes(rootId)
  if (readdirSync(directory).length === 0) return undefined
  return store.addLayer({ directory, kind: 'upper' }, signal)
}
