import type { Clock } from '../../core/clock.ts'
import { unsupported } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { ContainerOperations, ImageOperations } from '../../docker-api/index.ts'
import type { ImageStore } from '../images/index.ts'

export interface BuilderPorts {
  /** Scratch space for contexts lies in `build/` below it. */
  readonly dataRoot: string
  readonly store: ImageStore
  /** The engine's containers, where RUN steps run; a function, because the engine is made after the builder. */
  readonly containers: () => Pick<ContainerOperations, 'create' | 'start' | 'wait' | 'logs' | 'kill' | 'remove'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The Dockerfile builder over a store. */
export function createBuilder(_ports: BuilderPorts): ImageOperations['build'] {
  return () => Promise.reject(unsupported('NOT_YET', 'The image builder is still being written'))
}
