import type { ImageOperations } from '../docker-api/index.ts'
import type { Builder } from './build/index.ts'
import type { ImageStore } from './images/index.ts'

/** The image operations of the engine: those of the image room and of the builder. */
export function engineImages(
  images: ImageStore['images'],
  { build, pruneBuildCache }: Pick<Builder, 'build' | 'pruneBuildCache'>,
): ImageOperations {
  return { ...images, build, pruneBuildCache }
}
