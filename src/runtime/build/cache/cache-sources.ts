import { errorCode } from '../../../core/errors.ts'
import type { HistoryEntry, ImageStore, LayerRef } from '../../images/index.ts'
import type { BuildState } from '../state.ts'
import type { CachedStep } from './build-cache.ts'

/** An image whose steps may be taken over: `--cache-from`. */
export interface CacheSource {
  readonly layers: readonly LayerRef[]
  readonly history: readonly HistoryEntry[]
}

/** The images named that are here; others are passed over, as Docker does. */
export async function openCacheSources(
  store: Pick<ImageStore, 'describe'>,
  names: readonly string[],
): Promise<readonly CacheSource[]> {
  const sources: CacheSource[] = []
  for (const name of names) {
    try {
      const { layers, history = [] } = await store.describe(name)
      sources.push({ layers, history })
    } catch (error) {
      if (errorCode(error) !== 'NO_SUCH_IMAGE') throw error
    }
  }
  return sources
}

/**
 * What a source has in the place of a step: its history must be that of the state so far, and then say the same as the
 * step. Source: Docker's image cache.
 */
export function findInSources(
  sources: readonly CacheSource[],
  state: BuildState,
  createdBy: string,
): CachedStep | undefined {
  for (const { layers, history } of sources) {
    const entry = history[state.history.length]
    const isAhead =
      state.history.every(({ created_by }, index) => history[index]?.created_by === created_by) &&
      state.layers.every(({ diffId }, index) => layers[index]?.diffId === diffId)
    if (!isAhead || entry === undefined || entry.created_by !== createdBy) continue
    const madeMs = Date.parse(entry.created ?? '') || 0
    if (entry.empty_layer === true) return { madeMs }
    const layer = layers[state.layers.length]
    if (layer !== undefined) return { madeMs, layer }
  }
  return undefined
}
