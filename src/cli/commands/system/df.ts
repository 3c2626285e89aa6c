import type { ContainerSummary, ImageSummary, VolumeInspect } from '../../../docker-api/index.ts'
import { withEngine } from '../../engine/engine-api.ts'
import { inOrder, type Listing, plainJson, printListing } from '../../engine/listing.ts'
import { renderRows } from '../../output/format.ts'
import { compileTemplate } from '../../output/go-template/render.ts'
import { ago } from '../../output/moment.ts'
import { humanSize } from '../../output/size.ts'
import { containerRow, rawContainer } from '../container/ps.ts'
import { imageRows, rawImage } from '../image/images.ts'
import { RAW_VOLUME, volumeRow } from '../volume/volumes.ts'

interface DiskUsage {
  readonly LayersSize?: number
  readonly Images?: readonly ImageSummary[] | null
  readonly Containers?: readonly (ContainerSummary & { readonly SizeRw?: number })[] | null
  readonly Volumes?: readonly VolumeInspect[] | null
  readonly BuildCache?: readonly CachePiece[] | null
  readonly BuilderSize?: number
}

interface CachePiece {
  readonly ID?: string
  readonly Type?: string
  readonly Description?: string
  readonly InUse: boolean
  readonly Shared: boolean
  readonly Size: number
  readonly CreatedAt?: string
  readonly LastUsedAt?: string | null
  readonly UsageCount?: number
}

const LISTING: Listing = {
  id: 'Type',
  fields: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
  titles: { TotalCount: 'TOTAL' },
  raw: {
    id: 'type: {{.Type}}',
    row: 'type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\nreclaimable: {{.Reclaimable}}\n',
  },
}

/** `shoal system df`: what the engine's disk is used for. */
export const runDf = withEngine(async command => {
  const usage = await command.api.ask<DiskUsage>('GET', '/system/df')
  if (command.options.flag('verbose')) {
    const { stdout, clock } = command.context
    const format = command.options.text('format') ?? ''
    if (format === '' || format === 'table') stdout.write(verboseText(usage, clock.nowMs()))
    else {
      const all = everything(usage, { trunc: false, nowMs: clock.nowMs() })
      // As docker, without an end of the line.
      stdout.write(isWhole(format) ? plainJson(all) : compileTemplate(format === 'raw' ? RAW : format)(all))
    }
    return
  }
  printListing(command, [imagesRow(usage), containersRow(usage), volumesRow(usage), cacheRow(usage)], LISTING)
})

const isWhole = (format: string): boolean => format === 'json' || /^\{\{ *json +\. *\}\}$/.test(format)

/** `-v --format raw`. */
const RAW = [
  `{{range .Images}}type: Image\n${rawImage(true)}\n{{end}}`,
  `{{range .Containers}}type: Container\n${rawContainer(true)}\n{{end}}`,
  `{{range .Volumes}}type: Volume\n${RAW_VOLUME}\n{{end}}`,
].join('')

const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + Math.max(0, size), 0)

function row(Type: string, counts: { readonly count: number; readonly active: number }, sizes: Sizes) {
  const { size, free, percent = true } = sizes
  const share = percent && size > 0 ? ` (${Math.trunc((free * 100) / size)}%)` : ''
  return {
    Type,
    TotalCount: String(counts.count),
    Active: String(counts.active),
    Size: humanSize(size),
    Reclaimable: `${humanSize(free)}${share}`,
  }
}

interface Sizes {
  readonly size: number
  readonly free: number
  readonly percent?: boolean
}

function imagesRow({ Images, LayersSize = 0 }: DiskUsage) {
  const used = (Images ?? []).filter(({ Containers }) => Containers !== 0)
  const kept = total(used.filter(({ SharedSize }) => SharedSize >= 0).map(({ Size, SharedSize }) => Size - SharedSize))
  const active = used.filter(({ Containers }) => Containers > 0).length
  return row('Images', { count: (Images ?? []).length, active }, { size: LayersSize, free: LayersSize - kept })
}

function containersRow({ Containers }: DiskUsage) {
  const all = Containers ?? []
  const isActive = ({ State }: ContainerSummary): boolean => ['running', 'paused', 'restarting'].includes(State)
  const sizes = (list: typeof all): number => total(list.map(({ SizeRw = 0 }) => SizeRw))
  const idle = all.filter(container => !isActive(container))
  const counts = { count: all.length, active: all.length - idle.length }
  return row('Containers', counts, { size: sizes(all), free: sizes(idle) })
}

function volumesRow({ Volumes }: DiskUsage) {
  const all = Volumes ?? []
  const unused = all.filter(({ UsageData }) => UsageData?.RefCount === 0)
  const sizes = (list: typeof all): number => total(list.map(({ UsageData }) => UsageData?.Size ?? 0))
  const active = all.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0).length
  return row('Local Volumes', { count: all.length, active }, { size: sizes(all), free: sizes(unused) })
}

function cacheRow({ BuildCache, BuilderSize = 0 }: DiskUsage) {
  const all = BuildCache ?? []
  const inUse = all.filter(({ InUse, Shared }) => InUse && !Shared)
  const counts = { count: all.length, active: all.filter(({ InUse }) => InUse).length }
  const free = BuilderSize - total(inUse.map(({ Size }) => Size))
  return row('Build Cache', counts, { size: BuilderSize, free, percent: false })
}

/** `-v`: every image, container, volume and piece of the build's cache. */
function everything({ Images, Containers, Volumes, BuildCache }: DiskUsage, { trunc, nowMs }: View) {
  const view = { trunc, nowMs, digests: false }
  return {
    // An image stands there once, by its first name.
    Images: (Images ?? []).flatMap(image =>
      imageRows(image, view)
        .slice(0, 1)
        .map(row => inOrder({ ...row, Digest: '' })),
    ),
    Containers: (Containers ?? []).map(container => inOrder(containerRow({ ...container, SizeRootFs: 0 }, view))),
    Volumes: (Volumes ?? []).map(volume => {
      const { RefCount = 0, Size = 0 } = volume.UsageData ?? {}
      return inOrder({ ...volumeRow(volume), Links: String(RefCount), Size: humanSize(Size) })
    }),
    BuildCache: (BuildCache ?? []).map(piece => inOrder(cachePieceRow(piece, { trunc, nowMs }))),
  }
}

interface View {
  readonly trunc: boolean
  readonly nowMs: number
}

function cachePieceRow(piece: CachePiece, { trunc, nowMs }: View) {
  const { ID = '', Type = '', Size, CreatedAt, LastUsedAt, UsageCount = 0, InUse, Shared, Description = '' } = piece
  const since = (time: string | null | undefined): string => (time ? ago(Date.parse(time), nowMs) : '')
  return {
    ID: `${trunc ? ID.slice(0, 12) : ID}${InUse ? '*' : ''}`,
    Parent: '',
    CacheType: Type,
    Description,
    InUse: String(InUse),
    Shared: String(Shared),
    CreatedAt: CreatedAt ?? '',
    CreatedSince: since(CreatedAt),
    LastUsedAt: LastUsedAt ?? '',
    LastUsedSince: since(LastUsedAt),
    UsageCount: String(UsageCount),
    Size: humanSize(Size),
  }
}

function verboseText(usage: DiskUsage, nowMs: number): string {
  const { Images, Containers, Volumes, BuildCache } = everything(usage, { trunc: true, nowMs })
  return [
    'Images space usage:\n\n',
    renderRows(Images, table('Repository Tag ID CreatedSince Size SharedSize UniqueSize Containers'), IMAGE_TITLES),
    '\nContainers space usage:\n\n',
    renderRows(Containers, table('ID Image Command LocalVolumes Size RunningFor Status Names'), CONTAINER_TITLES),
    '\nLocal Volumes space usage:\n\n',
    renderRows(Volumes, table('Name Links Size'), { Name: 'VOLUME NAME' }),
    `\nBuild cache usage: ${humanSize(usage.BuilderSize ?? 0)}\n\n`,
    renderRows(BuildCache, table('ID CacheType Size CreatedSince LastUsedSince UsageCount Shared'), CACHE_TITLES),
  ].join('')
}

const table = (fields: string): string =>
  `table ${fields
    .split(' ')
    .map(name => `{{.${name}}}`)
    .join('\t')}`

const IMAGE_TITLES = { ID: 'IMAGE ID', CreatedSince: 'CREATED', SharedSize: 'SHARED SIZE', UniqueSize: 'UNIQUE SIZE' }
const CONTAINER_TITLES = { ID: 'CONTAINER ID', LocalVolumes: 'LOCAL VOLUMES', RunningFor: 'CREATED' }
const CACHE_TITLES = {
  ID: 'CACHE ID',
  CacheType: 'CACHE TYPE',
  CreatedSince: 'CREATED',
  LastUsedSince: 'LAST USED',
  UsageCount: 'USAGE',
}
