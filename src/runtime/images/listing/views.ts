import type { Filters, ImageInspect, ImageSummary } from '../../../docker-api/index.ts'
import type { ImageConfig } from '../manifest.ts'
import { familiar, type ImageRecord } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'

/** One line of `docker images` for each image, newest first. */
export async function listImages(parts: StoreParts, filters: Filters): Promise<readonly ImageSummary[]> {
  const summaries: ImageSummary[] = []
  for (const record of parts.catalog.list()) {
    if (record.hidden) continue
    const config = await parts.catalog.config(record.id)
    const summary = summarise(parts, record, config)
    if (passes(summary, filters)) summaries.push(summary)
  }
  return summaries.sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1))
}

/** `GET /images/{name}/json`. */
export async function inspectImage(parts: StoreParts, reference: string): Promise<ImageInspect> {
  const record = parts.catalog.find(reference)
  const config = await parts.catalog.config(record.id)
  const { tags, digests } = parts.catalog.namesOf(record.id)
  return {
    Id: record.id,
    RepoTags: tags.map(familiar),
    RepoDigests: digests.map(familiar),
    Created: config.created ?? new Date(0).toISOString(),
    Architecture: config.architecture,
    Os: config.os,
    Size: sizeOf(parts, record),
    Config: config.config ?? {},
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: tagTime(parts.catalog.lastNamedMs(record.id)) },
  }
}

/** Docker writes the beginning of its calendar for an image that never had a name. */
function tagTime(lastNamedMs: number | undefined): string {
  return lastNamedMs === undefined ? '0001-01-01T00:00:00Z' : new Date(lastNamedMs).toISOString()
}

function summarise(parts: StoreParts, record: ImageRecord, config: ImageConfig): ImageSummary {
  const { tags, digests } = parts.catalog.namesOf(record.id)
  return {
    Id: record.id,
    ParentId: '',
    RepoTags: tags.map(familiar),
    RepoDigests: digests.map(familiar),
    Created: Math.floor(Date.parse(config.created ?? '') / 1000) || 0,
    Size: sizeOf(parts, record),
    SharedSize: -1,
    Containers: -1,
    Labels: config.config?.Labels ?? null,
  }
}

function sizeOf(parts: StoreParts, { layers }: ImageRecord): number {
  return layers.reduce((sum, { diffId }) => sum + parts.layers.unpackedBytes(diffId), 0)
}

function passes(summary: ImageSummary, filters: Filters): boolean {
  const { dangling = [], label = [], reference = [] } = filters
  const labels = summary.Labels ?? {}
  const hasLabel = (wanted: string): boolean => {
    const at = wanted.indexOf('=')
    return at < 0 ? wanted in labels : labels[wanted.slice(0, at)] === wanted.slice(at + 1)
  }
  const isDangling = summary.RepoTags.length === 0
  return (
    dangling.every(wanted => isDangling === ['1', 'true'].includes(wanted)) &&
    label.every(hasLabel) &&
    (reference.length === 0 || reference.some(pattern => summary.RepoTags.some(tag => matchesName(tag, pattern))))
  )
}

/** Shell patterns over the familiar name, with or without its tag; `*` does not cross a slash. */
export function matchesName(name: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  const expression = new RegExp(`^${source}$`)
  return expression.test(name) || expression.test(name.replace(/:[^:/]*$/, ''))
}
