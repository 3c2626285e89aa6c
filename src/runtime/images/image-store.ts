import { unsupported } from '../../core/errors.ts'
import type { ImageStore, ImageStoreOptions, ImageStorePorts } from './contract.ts'

/** Opens (or makes) the image store below a data root. Throws if the data root was written by a version we do not know. */
export function createImageStore(options: ImageStoreOptions, _ports: ImageStorePorts): Promise<ImageStore> {
  return Promise.reject(unsupported('NOT_YET', `The image store of ${options.dataRoot} is still being written`))
}
