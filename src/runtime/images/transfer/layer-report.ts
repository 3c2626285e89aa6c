import type { Clock } from '../../../core/clock.ts'
import type { Descriptor } from '../format/manifest.ts'
import { type OnProgress, progressBar, shortDigest, transferMeter } from './progress.ts'

/** What happens to the layers of an image that comes in, told in the words of the call that brings it. */
export interface LayerReport {
  readonly exists: (layer: Descriptor) => void
  readonly queued: (layer: Descriptor) => void
  readonly fetched: (layer: Descriptor) => void
  /** Called with the bytes of the packed layer that were read since the last call. */
  readonly unpacking: (layer: Descriptor & { readonly diffId: string }) => (bytes: number) => void
  readonly done: (layer: Descriptor) => void
}

/** Docker's lines for a pull. */
export function pullReport(onProgress: OnProgress, clock: Clock): LayerReport {
  const say =
    (...statuses: readonly string[]) =>
    ({ digest }: Descriptor): void => {
      for (const status of statuses) onProgress({ status, progressDetail: {}, id: shortDigest(digest) })
    }
  return {
    exists: say('Already exists'),
    queued: say('Pulling fs layer'),
    fetched: say('Verifying Checksum', 'Download complete'),
    unpacking: ({ digest, size }) => transferMeter('Extracting', { digest, total: size }, { onProgress, clock }),
    done: layer => {
      const { size } = layer
      const progressDetail = { current: size, total: size }
      const id = shortDigest(layer.digest)
      onProgress({ status: 'Extracting', progressDetail, progress: progressBar(size, size), id })
      say('Pull complete')(layer)
    },
  }
}

/** Docker's lines for a load, where layers are known by what they unpack to. */
export function loadReport(onProgress: OnProgress, clock: Clock): LayerReport {
  const quiet = (): void => {}
  return {
    exists: quiet,
    queued: quiet,
    fetched: quiet,
    unpacking: ({ diffId, size }) =>
      transferMeter('Loading layer', { digest: diffId, total: size }, { onProgress, clock }),
    done: quiet,
  }
}
