import { splitReference } from '../../../../core/image-reference.ts'
import { COMPOSE_LABELS } from '../../../../core/model/compose-labels.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import type { ContainerSummary, ImageInspect } from '../../../../docker-api/index.ts'
import { type ListingFormat, renderListing } from '../../../output/format.ts'
import { ago } from '../../../output/moment.ts'
import { shortId } from '../../../output/shorten.ts'
import { humanSize } from '../../../output/size.ts'
import { viewProject } from '../project-tasks.ts'
import { requireService } from '../spec/load-spec.ts'
import { withManager } from '../with-manager.ts'

interface Row {
  readonly container: string
  readonly image: ImageInspect | undefined
  readonly reference: string
  readonly id: string
}

const PARALLEL = 8

/** `compose images`: which images the containers of a project were made of. */
export const runImages = withManager(async ({ manager, context, options, args, ...invocation }) => {
  const view = await viewProject(invocation, context, manager)
  for (const name of args) requireService(view.spec, name)
  const filters = { label: [`${COMPOSE_LABELS.project}=${view.spec.name}`] }
  const containers = (await manager.engine.containers.list({ all: true, filters })).filter(
    ({ Labels }) => args.length === 0 || args.includes(Labels[COMPOSE_LABELS.service] ?? ''),
  )
  const ids = [...new Set(containers.map(({ ImageID }) => ImageID))]
  const images = new Map(
    await mapParallel(
      ids,
      PARALLEL,
      async id => [id, await manager.engine.images.inspect(id).catch(() => undefined)] as const,
    ),
  )
  const rows = containers
    .map((container): Row => rowOf(container, images.get(container.ImageID)))
    .toSorted((a, b) => (a.container < b.container ? -1 : 1))
  if (options.flag('quiet')) {
    const quiet = [...new Set(rows.map(row => row.id.replace(/^sha256:/, '')))]
    context.stdout.write(quiet.map(id => `${id}\n`).join(''))
    return
  }
  const listing = listingAt(context.clock.nowMs())
  const format = options.text('format')
  // An array, as docker compose prints it.
  if (format === 'json') context.stdout.write(`${JSON.stringify(rows.map(listing.record))}\n`)
  else context.stdout.write(renderListing(rows, listing, { format }))
})

function rowOf({ Names, Image, ImageID }: ContainerSummary, image: ImageInspect | undefined): Row {
  return {
    container: (Names[0] ?? '').replace(/^.*\//, ''),
    image,
    // A container of an image that was built is made by its id.
    reference: image?.RepoTags[0] ?? (Image.startsWith('sha256:') ? '<none>:<none>' : Image),
    id: ImageID,
  }
}

function listingAt(nowMs: number): ListingFormat<Row> {
  const nameOf = ({ reference }: Row) => splitReference(reference)
  const platform = ({ image }: Row): string => (image === undefined ? '' : `${image.Os}/${image.Architecture}`)
  return {
    id: row => row.id,
    columns: [
      { title: 'CONTAINER', of: row => row.container },
      { title: 'REPOSITORY', of: row => nameOf(row).name },
      { title: 'TAG', of: row => nameOf(row).tag ?? 'latest' },
      { title: 'PLATFORM', of: platform },
      { title: 'IMAGE ID', of: row => shortId(row.id) },
      { title: 'SIZE', of: row => humanSize(row.image?.Size ?? 0, 3) },
      { title: 'CREATED', of: row => (row.image === undefined ? '' : ago(Date.parse(row.image.Created), nowMs)) },
    ],
    record: row => ({
      ID: row.id,
      ContainerName: row.container,
      Repository: nameOf(row).name,
      Tag: nameOf(row).tag ?? 'latest',
      Platform: platform(row),
      Size: row.image?.Size ?? 0,
      Created: row.image?.Created ?? '',
    }),
  }
}
