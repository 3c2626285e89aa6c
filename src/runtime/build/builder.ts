import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../../core/clock.ts'
import { errorCode, errorMessage, invalidInput } from '../../core/errors.ts'
import { familiarImageName, parseImageReference } from '../../core/image-reference.ts'
import type { Log } from '../../core/log.ts'
import { newShortId, type Random } from '../../core/random.ts'
import type { BuildOptions, ImageOperations, ProgressMessage } from '../../docker-api/index.ts'
import type { ImageStore } from '../images/index.ts'
import { type Build, type BuildContainers, STEP_LABEL } from './build.ts'
import { BuildCache } from './cache/build-cache.ts'
import { openCacheSources } from './cache/cache-sources.ts'
import { openContext } from './context.ts'
import { HiddenImages } from './hidden-images.ts'
import { pruneBuildCache } from './prune.ts'
import { checkPlatform, runBuild } from './run-build.ts'
import { type BuildState, stateId } from './state.ts'
import { StepImages } from './step-images.ts'
import { globalArgs } from './steps/build-args.ts'
import { MountCaches } from './steps/mount-caches.ts'
import { unmountSecrets } from './steps/run-mounts.ts'
import { buildTimes } from './times.ts'

export interface BuilderPorts {
  /** Scratch space for contexts and the build cache lie in `build/` below it. */
  readonly dataRoot: string
  readonly store: ImageStore
  /** The engine's containers, where RUN steps run; a function, because the engine is made after the builder. */
  readonly containers: () => BuildContainers
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

interface Workshop extends BuilderPorts {
  readonly cache: BuildCache
  readonly mountCaches: MountCaches
  readonly hiddenImages: HiddenImages
  /** Ids of the builds that go on now. */
  readonly running: Set<string>
}

/** What one request asks for. */
interface Order {
  readonly archive: Readable
  readonly options: BuildOptions
  readonly report: (message: ProgressMessage) => void
  readonly signal: AbortSignal
}

export type Builder = Pick<ImageOperations, 'build' | 'pruneBuildCache'> & {
  /** Removes what builds that a crash ended left behind: contexts, secrets, and containers of their steps. */
  readonly recover: () => Promise<void>
}

/**
 * The Dockerfile builder over a store: the classic builder's instructions, stages, cache, messages and progress lines, and
 * the instructions of later versions that it did not know. A build that finds every step in the cache gives the same image
 * id again.
 */
export function createBuilder(ports: BuilderPorts): Builder {
  const home = join(ports.dataRoot, 'build')
  const cache = new BuildCache(join(home, 'cache.json'), ports.store)
  const mountCaches = new MountCaches(join(home, 'mounts'))
  const hiddenImages = new HiddenImages(ports.store)
  const workshop: Workshop = { ...ports, cache, mountCaches, hiddenImages, running: new Set() }
  const contexts = join(home, 'contexts')
  let recovered: Promise<void> | undefined
  const sweepAll = async (): Promise<void> => void (await Promise.all([sweep(contexts, ports), cache.sweep()]))
  const recover = (): Promise<void> => (recovered ??= sweepAll())
  return {
    recover,
    build: async (archive, options, report, signal) => {
      await recover()
      return buildOne(workshop, contexts, { archive, options, report, signal })
    },
    pruneBuildCache: options => pruneBuildCache(workshop, options),
  }
}

async function buildOne(workshop: Workshop, contexts: string, order: Order): Promise<string> {
  const { options, report } = order
  const names = options.tags.map(readTag)
  checkPlatform(options.platform ?? '')
  const id = newShortId(workshop.random)
  const scratch = join(contexts, id)
  await using hidden = workshop.hiddenImages.open()
  const stepImages = new StepImages()
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  workshop.running.add(id)
  try {
    const build = await prepare(workshop, order, { id, scratch, hidden, stepImages })
    const image = await finish(build, await runBuild(build))
    for (const name of names) report({ stream: `Successfully tagged ${name}\n` })
    return image
  } finally {
    await stepImages.keep(workshop.store, workshop.log)
    workshop.running.delete(id)
    await rm(scratch, { recursive: true, force: true })
    await workshop.cache.save()
  }
}

async function prepare(
  workshop: Workshop,
  { archive, options, report, signal }: Order,
  own: Pick<Build, 'id' | 'scratch' | 'hidden' | 'stepImages'>,
): Promise<Build> {
  const { store, clock, random, cache, mountCaches } = workshop
  const begunMs = clock.nowMs()
  const { dockerfile, context, newestSeconds } = await openContext(archive, options, { ...own, clock, signal })
  const parts = { store, clock, random, cache, mountCaches, options, report, signal, dockerfile, context, ...own }
  const usedArgs = new Set<string>()
  return {
    ...parts,
    usedArgs,
    containers: workshop.containers(),
    globals: globalArgs({ dockerfile, options, usedArgs }),
    cacheSources: await openCacheSources(store, options.cacheFrom ?? []),
    times: buildTimes(options.buildArgs, { newestSeconds, begunMs }, clock),
  }
}

function readTag(tag: string): string {
  const reference = parseImageReference(tag)
  if (reference.digest !== undefined) throw invalidInput('BAD_TAG', 'build tag cannot contain a digest')
  return familiarImageName(reference)
}

/** Makes the image, unless every step was the base's own: then it is the base under another name. */
async function finish({ store, options, report, stepImages }: Build, state: BuildState): Promise<string> {
  const id = stateId(state)
  if (state.baseId === undefined) await store.createImage(stepImages.imageOf(state))
  for (const tag of options.tags) await store.images.tag(id, tag)
  report({ aux: { ID: id } })
  report({ stream: `Successfully built ${id.slice(7, 19)}\n` })
  return id
}

/** What cannot be removed now is told and left to the next start: it is no reason not to serve. */
async function sweep(contexts: string, { containers, log }: BuilderPorts): Promise<void> {
  const left = await readdir(contexts).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  })
  for (const id of left) {
    try {
      await removeBuild(join(contexts, id), id, containers())
    } catch (error) {
      log.warn({ build: id, error: errorMessage(error) }, 'cannot remove what is left of a build')
    }
  }
}

async function removeBuild(scratch: string, id: string, containers: BuildContainers): Promise<void> {
  const steps = await containers.list({ all: true, filters: { label: [`${STEP_LABEL}=${id}`] } })
  for (const { Id } of steps) await containers.remove(Id, { force: true, volumes: true })
  await unmountSecrets(scratch)
  await rm(scratch, { recursive: true, force: true })
}
