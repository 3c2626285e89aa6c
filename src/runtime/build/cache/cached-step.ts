import { hashOf } from '../../../core/digest.ts'
import type { ContainerConfig } from '../../../docker-api/index.ts'
import type { LayerRef } from '../../images/index.ts'
import type { Build } from '../build.ts'
import { afterStep, type BuildState } from '../state.ts'
import type { CachedStep } from './build-cache.ts'
import { findInSources } from './cache-sources.ts'

/** A step of a build. */
export interface StepWork {
  /** How the history tells of it; with the state before, it says what comes out. */
  readonly createdBy: string
  /** What the result depends on besides. */
  readonly inputs?: unknown
  readonly config?: ContainerConfig
  /** Changes files: resolves with the layer, or undefined if nothing changed. Absent: only the config changes. */
  readonly make?: () => Promise<LayerRef | undefined>
}

/**
 * Takes what a step makes from the cache, or makes it. What counts is what the state before is (layers, config and the
 * steps that led there), not when it was made: a step that was done anew and gave the same files does not spoil those
 * behind it.
 */
export async function cachedStep(build: Build, state: BuildState, work: StepWork): Promise<BuildState> {
  const { createdBy, config } = work
  const key = hashOf([
    state.layers.map(({ diffId }) => diffId),
    state.config,
    state.history.map(({ created_by }) => created_by ?? ''),
    createdBy,
    work.inputs ?? null,
    build.times.epochSeconds ?? null,
  ])
  const known = build.options.noCache ? undefined : await find(build, state, { createdBy, key })
  if (known !== undefined) {
    build.report({ stream: ' ---> Using cache\n' })
    return afterStep(state, { createdBy, config: config ?? {}, ...known })
  }
  const layer = await work.make?.()
  const madeMs = build.times.madeMs()
  await build.cache.put(key, layer === undefined ? { madeMs } : { layer, madeMs })
  return afterStep(state, { createdBy, config: config ?? {}, madeMs, layer })
}

async function find(
  { cache, cacheSources }: Build,
  state: BuildState,
  { createdBy, key }: { readonly createdBy: string; readonly key: string },
): Promise<CachedStep | undefined> {
  return findInSources(cacheSources, state, createdBy) ?? (await cache.get(key))
}
