import type { Clock } from '../../core/clock.ts'
import { invalidInput, unsupported } from '../../core/errors.ts'
import { parseMoment } from '../../core/moment.ts'
import type { BuildCachePruned, BuildPruneOptions } from '../../docker-api/index.ts'
import type { ImageStore } from '../images/index.ts'
import type { BuildCache, KnownStep } from './cache/build-cache.ts'
import type { MountCaches } from './steps/mount-caches.ts'

interface PruneParts {
  readonly cache: BuildCache
  readonly mountCaches: MountCaches
  readonly store: Pick<ImageStore, 'dropLayers'>
  readonly clock: Clock
  /** Ids of builds that go on. */
  readonly running: ReadonlySet<string>
}

/** Steps have no labels: with Docker too they are pruned whatever labels are asked for, with everything else. */
const DONE = ['until', 'label', 'label!']
/** Filters of Docker's other builder, by properties that steps here do not have. */
const REFUSED = ['id', 'parent', 'type', 'description', 'inuse', 'shared', 'private', 'unused-for']

/**
 * Forgets what builds keep for the next ones. Layers that an image or a container uses stay, and while a build goes on all
 * of them: some may be what it has come to. Cache mounts go too, unless only a part was asked for.
 */
export async function pruneBuildCache(
  { cache, mountCaches, store, clock, running }: PruneParts,
  { keepBytes = 0, filters = {} }: BuildPruneOptions,
): Promise<BuildCachePruned> {
  checkFilters(filters)
  const untilMs = (filters['until'] ?? []).map(text => parseMoment(text, clock.nowMs()))
  const isPart = untilMs.length > 0 || keepBytes > 0
  const steps = await cache.remove(all => selectSteps(all, { keepBytes, untilMs: Math.min(...untilMs) }))
  const { bytes } = await store.dropLayers(running.size > 0 ? [] : steps.flatMap(({ layer }) => layer ?? []))
  const mounts = isPart ? { names: [], bytes: 0 } : await mountCaches.clear()
  const deleted = [...steps.map(({ key }) => key), ...mounts.names]
  return { CachesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: bytes + mounts.bytes }
}

function checkFilters(filters: NonNullable<BuildPruneOptions['filters']>): void {
  for (const name of Object.keys(filters)) {
    if (REFUSED.includes(name)) throw unsupported('NO_SUCH_FILTER', `The filter ${name} is not done here: use until`)
    if (!DONE.includes(name)) throw invalidInput('BAD_FILTER', `Invalid filter '${name}'`)
  }
}

/** The steps to forget: those made before a time, but for the latest that fit into so many bytes. The oldest come first. */
export function selectSteps(
  steps: readonly KnownStep[],
  { keepBytes, untilMs }: { readonly keepBytes: number; readonly untilMs: number },
): readonly KnownStep[] {
  let kept = 0
  const isKept = ({ layer }: KnownStep): boolean => {
    kept += layer?.size ?? 0
    return keepBytes > 0 && kept <= keepBytes
  }
  return steps
    .toReversed()
    .filter(step => !isKept(step) && step.madeMs < untilMs)
    .toReversed()
}
