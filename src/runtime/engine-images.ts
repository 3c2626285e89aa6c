import { unsupported } from '../core/errors.ts'
import type { ImageOperations } from '../docker-api/index.ts'
import type { ImageStore } from './images/index.ts'

/** The image operations of the engine: those of the image room and of the builder. */
export function engineImages(images: ImageStore['images'], build: ImageOperations['build']): ImageOperations {
  return { ...images, build, pruneBuildCache: missing }
}

function missing(): Promise<never> {
  return Promise.reject(unsupported('NOT_YET', 'This engine does not do that yet'))
}
