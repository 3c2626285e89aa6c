import { isOlderThan } from '../../api-version.ts'
import { EMPTY_CONFIG } from '../../empty-config.ts'
import type { ImageInspect, ImageSummary } from '../../resource-types.ts'
import { orderedImage, orderedImageSummary } from '../field-order.ts'

/** What the fields meant before they were dropped, for clients that still read them. Source: Docker's API version history. */

/** `GET /images/json` as a version of the API has it; undefined is the newest. */
export function summaryFor(version: string | undefined, summary: ImageSummary): object {
  return orderedImageSummary({
    ...summary,
    ...(isOlderThan(version, '1.44') ? { VirtualSize: summary.Size } : {}),
    // Until then an image without any name had one that says so.
    ...(isOlderThan(version, '1.43') && summary.RepoTags.length + summary.RepoDigests.length === 0
      ? { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }
      : {}),
  })
}

/** `GET /images/{name}/json` as a version of the API has it; undefined is the newest. */
export function inspectFor(version: string | undefined, image: ImageInspect): object {
  const { Container = '', ContainerConfig, ...always } = image
  return orderedImage({
    ...always,
    ...(isOlderThan(version, '1.44') ? { VirtualSize: image.Size } : {}),
    ...(isOlderThan(version, '1.45') ? { Container, ContainerConfig: { ...EMPTY_CONFIG, ...ContainerConfig } } : {}),
  })
}
