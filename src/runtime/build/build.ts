import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { BuildOptions, ContainerOperations, ProgressMessage } from '../../docker-api/index.ts'
import type { ImageStore } from '../images/index.ts'
import type { BuildCache } from './cache/build-cache.ts'
import type { CacheSource } from './cache/cache-sources.ts'
import type { Dockerfile } from './dockerfile/dockerfile.ts'
import type { HeldImages } from './hidden-images.ts'
import type { BuildState } from './state.ts'
import type { StepImages } from './step-images.ts'
import type { MountCaches } from './steps/mount-caches.ts'
import type { SourceTree } from './steps/sources.ts'

export type BuildContainers = Pick<
  ContainerOperations,
  'create' | 'list' | 'start' | 'wait' | 'logs' | 'kill' | 'remove'
>

/** Times that go into an image. */
export interface BuildTimes {
  /** When a step is said to have been done: SOURCE_DATE_EPOCH, or now. */
  readonly madeMs: () => number
  /** What SOURCE_DATE_EPOCH was, because it changes what a step makes. */
  readonly epochSeconds: number | undefined
  /** Files of a layer later than `maxSeconds` that the build itself made (since `fromSeconds`) get `maxSeconds`. */
  readonly files: { readonly mtimeMaxSeconds: number; readonly mtimeFromSeconds: number }
}

/** Everything one build works with. */
export interface Build {
  /** Tells what is left of it after a crash. */
  readonly id: string
  readonly dockerfile: Dockerfile
  readonly context: SourceTree
  readonly options: BuildOptions
  readonly store: ImageStore
  readonly containers: BuildContainers
  readonly cache: BuildCache
  readonly cacheSources: readonly CacheSource[]
  readonly mountCaches: MountCaches
  /** A directory of this build alone, removed at its end. */
  readonly scratch: string
  readonly clock: Clock
  readonly random: Random
  readonly times: BuildTimes
  readonly report: (message: ProgressMessage) => void
  readonly signal: AbortSignal
  /** Values of the ARGs before the first FROM. */
  readonly globals: ReadonlyMap<string, string>
  /** Images made on the way, to be forgotten at the end. */
  readonly hidden: HeldImages
  /** What each step came to, to be kept. */
  readonly stepImages: StepImages
  /** Build arguments that some ARG took up. */
  readonly usedArgs: Set<string>
}

/** A stage being built, as far as its steps are concerned. */
export interface StageScope {
  readonly index: number
  /** The final state of an earlier stage, by name or number; undefined if it is neither. Throws for the stage itself. */
  readonly earlier: (name: string) => Promise<BuildState | undefined>
}

/** Tells the containers of RUN steps from all others; its value is the build's id. */
export const STEP_LABEL = 'shoal.build'

/** Writes text in the colour in which Docker shows what commands say on standard error. */
export function inRed(text: string): string {
  return `\u001b[91m${text}\u001b[0m`
}
