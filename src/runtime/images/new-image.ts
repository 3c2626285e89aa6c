import { canonicalJson, sha256Digest } from '../../core/digest.ts'
import type { HistoryEntry, NewImage } from './contract.ts'
import { hostPlatform } from './format/platform.ts'

/** The config of an image made here. Equal input gives equal bytes. */
export function encodeConfig(image: NewImage): Buffer {
  const { origin } = image
  return Buffer.from(
    canonicalJson({
      ...hostPlatform(),
      created: new Date(image.createdMs ?? 0).toISOString(),
      author: image.author,
      config: image.config,
      docker_version: origin?.engineVersion,
      container: origin?.containerId,
      container_config: origin?.containerConfig,
      rootfs: { type: 'layers', diff_ids: image.layers.map(layer => layer.diffId) },
      history: image.history ?? image.layers.map((): HistoryEntry => ({ created_by: 'shoal import' })),
    }),
  )
}

/** The id an image has, or would have if it were made. */
export function imageIdOf(image: NewImage): string {
  return sha256Digest(encodeConfig(image))
}
