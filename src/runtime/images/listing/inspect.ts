import { join } from 'node:path'
import {
  type ContainerConfig,
  EMPTY_CONFIG,
  type ImageHistoryEntry,
  type ImageInspect,
} from '../../../docker-api/index.ts'
import { familiar, type ImageRecord } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { imageSize } from './list.ts'

/** Docker writes the beginning of its calendar where there is no time. */
const NEVER = '0001-01-01T00:00:00Z'

/** `GET /images/{name}/json`. Throws 404 `No such image: x`. */
export async function inspectImage(parts: StoreParts, reference: string): Promise<ImageInspect> {
  const record = parts.catalog.find(reference)
  const config = await parts.catalog.config(record.id)
  const { tags, digests } = parts.catalog.namesOf(record.id)
  const lastNamedMs = parts.catalog.lastNamedMs(record.id)
  return {
    Id: record.id,
    RepoTags: tags.map(familiar),
    RepoDigests: digests.map(familiar),
    Parent: record.parent ?? '',
    Comment: config.comment ?? config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? NEVER,
    DockerVersion: config.docker_version ?? '',
    ...(config.container === undefined ? {} : { Container: config.container }),
    ...(config.container_config === undefined ? {} : { ContainerConfig: config.container_config }),
    Author: config.author ?? '',
    Config: { ...EMPTY_CONFIG, ...config.config } as ContainerConfig,
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    ...(config['os.version'] === undefined ? {} : { OsVersion: config['os.version'] }),
    Size: imageSize(parts, record),
    GraphDriver: { Name: 'overlay2', Data: layerPaths(parts, record) },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: lastNamedMs === undefined ? NEVER : new Date(lastNamedMs).toISOString() },
  }
}

/** `GET /images/{name}/history`: newest first; steps that are images here have their ids. */
export async function imageHistory(parts: StoreParts, reference: string): Promise<readonly ImageHistoryEntry[]> {
  const record = parts.catalog.find(reference)
  const { history = [] } = await parts.catalog.config(record.id)
  let layer = 0
  const entries = history.map((step): ImageHistoryEntry => {
    const diffId = step.empty_layer === true ? undefined : record.layers[layer++]?.diffId
    return {
      Id: '<missing>',
      Created: Math.floor((Date.parse(step.created ?? '') || 0) / 1_000),
      CreatedBy: step.created_by ?? '',
      Tags: null,
      Size: diffId === undefined ? 0 : parts.layers.unpackedBytes(diffId),
      Comment: step.comment ?? '',
    }
  })
  let step: ImageRecord | undefined = record
  return entries.reverse().map(entry => {
    if (step === undefined) return entry
    const { id, parent }: ImageRecord = step
    const tags = parts.catalog.namesOf(id).tags.map(familiar)
    step = parent === undefined ? undefined : parts.catalog.get(parent)
    return { ...entry, Id: id, Tags: tags.length === 0 ? null : tags }
  })
}

/** Directories that an overlay of the image would have. Only those of layers are there. */
function layerPaths({ layers, layout }: StoreParts, record: ImageRecord): Readonly<Record<string, string>> {
  const shorts = record.layers.flatMap(({ diffId }) => layers.shortName(diffId) ?? []).reverse()
  const [upper, ...lower] = shorts
  if (upper === undefined) return {}
  return {
    ...(lower.length === 0 ? {} : { LowerDir: lower.map(short => join(layout.layers, short)).join(':') }),
    MergedDir: join(layout.roots, upper, 'merged'),
    UpperDir: join(layout.layers, upper),
    WorkDir: join(layout.roots, upper, 'work'),
  }
}
