import { familiarImageName, parseImageReference } from '../../../core/image-reference.ts'
import { type ContainerSummary, filterQuery, type MountPoint } from '../../../docker-api/index.ts'
import { withEngine } from '../../engine/engine-api.ts'
import { readFilters } from '../../engine/filters.ts'
import { type Listing, printListing, type Row } from '../../engine/listing.ts'
import { ago, goTime } from '../../output/moment.ts'
import { ellipsis, labelText, shortId } from '../../output/shorten.ts'
import { humanSize } from '../../output/size.ts'
import { readArgument } from '../../usage.ts'
import { wholeNumber } from './create/read-values.ts'
import { portsText } from './ports-text.ts'

type Sized = ContainerSummary & { readonly SizeRw?: number; readonly SizeRootFs?: number }

const LISTING: Listing = {
  id: 'ID',
  fields: ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'],
  titles: {
    ID: 'CONTAINER ID',
    CreatedAt: 'CREATED AT',
    RunningFor: 'CREATED',
    LocalVolumes: 'LOCAL VOLUMES',
  },
}

/** A row of `--format raw`. */
export function rawContainer(withSize: boolean): string {
  const words = ['container_id: {{.ID}}', 'image: {{.Image}}', 'command: {{.Command}}', 'created_at: {{.CreatedAt}}']
  const padded = ['state:{{pad .State 1 0}}', 'status:{{pad .Status 1 0}}', 'names: {{.Names}}']
  const last = ['labels:{{pad .Labels 1 0}}', 'ports:{{pad .Ports 1 0}}', ...(withSize ? ['size: {{.Size}}'] : [])]
  return `${[...words, ...padded, ...last].join('\n')}\n`
}

/** `shoal ps`: containers. */
export const runPs = withEngine(async command => {
  const { options, api, context } = command
  const last = readArgument('-n, --last', options.text('last') ?? '-1', wholeNumber)
  const limit = last > 0 ? last : options.flag('latest') ? 1 : undefined
  const quiet = options.flag('quiet')
  if (quiet && (options.text('format') ?? '') !== '') {
    context.stderr.write('WARNING: Ignoring custom format, because both --format and --quiet are set.\n')
  }
  const filters = readFilters(options.list('filter'))
  const wantsSize = options.flag('size') || showsSize(options.text('format') ?? '')
  const containers = await api.ask<readonly Sized[]>('GET', '/containers/json', {
    query: {
      all: options.flag('all') || limit !== undefined ? 1 : undefined,
      limit,
      size: wantsSize ? 1 : undefined,
      filters: filterQuery(filters),
    },
  })
  const view = { trunc: options.choice('trunc') !== false, nowMs: context.clock.nowMs() }
  const fields = options.flag('size') ? [...LISTING.fields, 'Size'] : LISTING.fields
  printListing(
    quiet && options.text('format') !== 'raw'
      ? { ...command, options: { ...options, text: name => (name === 'format' ? undefined : options.text(name)) } }
      : command,
    containers.map(container => containerRow(container, view)),
    { ...LISTING, fields, raw: { id: 'container_id: {{.ID}}', row: rawContainer(options.flag('size')) } },
  )
})

/** A template that shows all of a row has its size too; the word json, to docker, has not. */
function showsSize(format: string): boolean {
  return /\.Size\b|\bjson +\. *\}\}/.test(format)
}

/** A row of the listing, by docker’s field names. */
export function containerRow(
  container: Sized,
  { trunc, nowMs }: { readonly trunc: boolean; readonly nowMs: number },
): Row {
  const { Command, Created, Labels, Mounts } = container
  const cut = (text: string, length: number): string => (trunc ? ellipsis(text, length) : text)
  return {
    ID: trunc ? shortId(container.Id) : container.Id,
    Names: namesText(container.Names, trunc),
    Image: imageText(container, trunc),
    Command: JSON.stringify(cut(Command, 20)),
    CreatedAt: goTime(Created * 1_000),
    RunningFor: ago(Created * 1_000, nowMs),
    Ports: portsText(container.Ports),
    // Older engines do not say.
    Platform: null,
    State: container.State,
    Status: container.Status,
    Size: sizeText(container),
    Labels: labelText(Labels),
    Label: (name: unknown) => Labels[String(name)] ?? '',
    LocalVolumes: String(Mounts.filter(mount => mount.Driver === 'local').length),
    Mounts: Mounts.map(mount => cut(mountText(mount), 15)).join(','),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(','),
  }
}

/** The container's own name; names that links or a cluster's nodes give it have a slash, and only stand in for it. */
function namesText(given: readonly string[], trunc: boolean): string {
  const names = given.map(name => name.replace(/^\//, ''))
  const own = trunc ? names.find(name => !name.includes('/')) : undefined
  return own ?? names.join(',')
}

function mountText({ Name, Source }: MountPoint): string {
  return Name === undefined || Name === '' ? Source : Name
}

function sizeText({ SizeRw = 0, SizeRootFs = 0 }: Sized): string {
  const own = humanSize(SizeRw, 3)
  return SizeRootFs > 0 ? `${own} (virtual ${humanSize(SizeRootFs, 3)})` : own
}

/** Without `--no-trunc` an image is its short id if it was named by that, or its name without a digest. */
function imageText({ Image, ImageID }: ContainerSummary, trunc: boolean): string {
  if (Image === '') return '<no image>'
  if (!trunc) return Image
  if (shortId(Image) === shortId(ImageID ?? '')) return shortId(Image)
  try {
    const { digest: _, ...reference } = parseImageReference(Image)
    return Image.includes('@') ? familiarImageName(reference) : Image
  } catch {
    return Image
  }
}
