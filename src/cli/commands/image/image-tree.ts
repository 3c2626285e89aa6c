import type { ImageSummary } from '../../../docker-api/index.ts'
import { shortId } from '../../output/shorten.ts'
import { humanSize } from '../../output/size.ts'

const TITLES = ['ID', 'DISK USAGE', 'CONTENT SIZE', 'EXTRA'] as const
const GAP = '   '
const WIDTH = 80
const WARNING = "WARNING: This is an experimental feature. The output may change and shouldn't be depended on."
const LEGEND = 'Info ->  U In Use '

/**
 * `images --tree`: an image once, below all of its names, as docker shows images of engines that keep one platform of
 * each. How much of it lies packed beside its files such engines do not say: 0B.
 */
export function imageTree(images: readonly ImageSummary[]): string {
  const shown = images.map(image => ({ image, names: namesOf(image) }))
  const wide = Math.max('IMAGE'.length, ...shown.flatMap(({ names }) => names.map(name => name.length)))
  const rows = shown.flatMap(({ image, names }) => [
    ...names.slice(0, -1),
    [
      (names.at(-1) ?? '').padEnd(wide),
      shortId(image.Id),
      humanSize(image.Size, 3).padStart(TITLES[1].length),
      '0B'.padStart(TITLES[2].length),
      (image.Containers > 0 ? 'U' : '').padStart(3).padEnd(TITLES[3].length),
    ].join(GAP),
  ])
  const [id, ...others] = TITLES
  const head = ['IMAGE'.padEnd(wide), id.padEnd(12), ...others].join(GAP)
  return [WARNING, LEGEND.padStart(WIDTH), '', head, ...rows, ''].join('\n')
}

function namesOf({ RepoTags }: ImageSummary): readonly string[] {
  const names = (RepoTags ?? []).filter(name => name !== '<none>:<none>').toSorted()
  return names.length === 0 ? ['<untagged>'] : names
}
