import { invalidInput } from '../../../core/errors.ts'
import { filterQuery, type ImageSummary } from '../../../docker-api/index.ts'
import type { Options } from '../../command.ts'
import { withEngine } from '../../engine/engine-api.ts'
import { readFilters } from '../../engine/filters.ts'
import { type Listing, printListing, type Row } from '../../engine/listing.ts'
import { ago, goTime } from '../../output/moment.ts'
import { shortId } from '../../output/shorten.ts'
import { humanSize } from '../../output/size.ts'
import { imageTree } from './image-tree.ts'

const NONE = '<none>'

const LISTING: Listing = {
  id: 'ID',
  fields: ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size'],
  titles: {
    ID: 'IMAGE ID',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    SharedSize: 'SHARED SIZE',
    UniqueSize: 'UNIQUE SIZE',
    VirtualSize: 'SIZE',
  },
}

/** `shoal images [REPOSITORY[:TAG]]`. */
export const runImages = withEngine(async command => {
  const { api, args, options, context } = command
  const isTree = options.flag('tree')
  if (isTree) refuseOtherForms(options)
  const filters = readFilters(options.list('filter'))
  if (args[0] !== undefined) filters['reference'] = [...(filters['reference'] ?? []), args[0]]
  const images = await api.ask<readonly ImageSummary[]>('GET', '/images/json', {
    query: { all: options.flag('all') ? 1 : undefined, filters: filterQuery(filters) },
  })
  if (isTree) {
    context.stdout.write(imageTree(images))
    return
  }
  const digests = options.flag('digests')
  const view = { trunc: options.choice('trunc') !== false, nowMs: context.clock.nowMs(), digests }
  const rows = images.flatMap(image => imageRows(image, view))
  const wantsDigest = digests || /\.Digest\b/.test(options.text('format') ?? '')
  const fields = digests ? ['Repository', 'Tag', 'Digest', 'ID', 'CreatedSince', 'Size'] : LISTING.fields
  const shown = wantsDigest ? images.flatMap(image => imageRows(image, { ...view, digests: true })) : rows
  printListing(command, shown, {
    ...LISTING,
    fields,
    raw: { id: 'image_id: {{.ID}}', row: rawImage(digests) },
  })
})

function refuseOtherForms(options: Options): void {
  const [other] =
    Object.entries({
      '--quiet': options.flag('quiet'),
      '--no-trunc': options.choice('trunc') === false,
      '--digests': options.flag('digests'),
      '--format': (options.text('format') ?? '') !== '',
    }).find(([, isGiven]) => isGiven) ?? (['', false] as const)
  if (other !== '') throw invalidInput('BAD_FLAG', `${other} is not yet supported with --tree`)
}

/** A row of `--format raw`. */
export function rawImage(withDigest: boolean): string {
  const name = `repository: {{.Repository}}\ntag: {{.Tag}}\n${withDigest ? 'digest: {{.Digest}}\n' : ''}`
  return `${name}image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n`
}

interface View {
  readonly trunc: boolean
  readonly nowMs: number
  readonly digests: boolean
}

/** One row for each name of an image, or one for an image without names. */
export function imageRows(image: ImageSummary, view: View): readonly Row[] {
  const names = namesOf(image, view.digests)
  return names.map(({ repository, tag, digest }) => ({
    ID: view.trunc ? shortId(image.Id) : image.Id,
    Repository: repository,
    Tag: tag,
    Digest: digest,
    CreatedSince: image.Created > 0 ? ago(image.Created * 1_000, view.nowMs) : 'N/A',
    CreatedAt: goTime(image.Created * 1_000),
    Size: humanSize(image.Size, 3),
    Containers: image.Containers < 0 ? 'N/A' : String(image.Containers),
    VirtualSize: humanSize(image.Size),
    SharedSize: image.SharedSize < 0 ? 'N/A' : humanSize(image.SharedSize),
    UniqueSize: image.SharedSize < 0 ? 'N/A' : humanSize(image.Size - image.SharedSize),
  }))
}

interface Name {
  readonly repository: string
  readonly tag: string
  readonly digest: string
}

function namesOf({ RepoTags, RepoDigests }: ImageSummary, wantsDigests: boolean): readonly Name[] {
  const tags = (RepoTags ?? []).filter(name => name !== `${NONE}:${NONE}`).map(splitLast(':'))
  const digests = (RepoDigests ?? []).filter(name => name !== `${NONE}@${NONE}`).map(splitLast('@'))
  const repositories = new Set([...tags, ...digests].map(([name]) => name))
  const names = [...repositories].flatMap((repository): Name[] => {
    const own = (list: readonly (readonly [string, string])[]) =>
      list.filter(([name]) => name === repository).map(([, rest]) => rest)
    const [ownTags, ownDigests] = [own(tags), own(digests)]
    if (!wantsDigests) {
      return ownTags.length === 0
        ? [{ repository, tag: NONE, digest: NONE }]
        : ownTags.map(tag => ({ repository, tag, digest: NONE }))
    }
    const every = ownDigests.length === 0 ? [NONE] : ownDigests
    return (ownTags.length === 0 ? [NONE] : ownTags).flatMap(tag => every.map(digest => ({ repository, tag, digest })))
  })
  return names.length === 0 ? [{ repository: NONE, tag: NONE, digest: NONE }] : names
}

function splitLast(mark: string): (text: string) => readonly [string, string] {
  return text => {
    const at = text.lastIndexOf(mark)
    return [text.slice(0, at), text.slice(at + 1)]
  }
}
