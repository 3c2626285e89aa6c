import { splitReference } from '../../../core/image-reference.ts'
import { withEngine } from '../../engine/engine-api.ts'
import { forEach } from '../../engine/for-each.ts'
import { printListing } from '../../engine/listing.ts'
import { ago } from '../../output/moment.ts'
import { ellipsis, shortId } from '../../output/shorten.ts'
import { humanSize } from '../../output/size.ts'

const imagePath = (name: string): string => `/images/${name.split('/').map(encodeURIComponent).join('/')}`

/** `shoal rmi`: removes images, or names of them. */
export const runRmi = withEngine(async command => {
  const { api, options, context } = command
  const query = {
    force: options.flag('force') ? 1 : undefined,
    noprune: options.choice('prune') === false ? 1 : undefined,
  }
  const removeOne = async (name: string): Promise<string> => {
    const removed = await api.ask<readonly { Untagged?: string; Deleted?: string }[]>('DELETE', imagePath(name), {
      query,
    })
    for (const { Deleted, Untagged } of removed) {
      context.stdout.write(Deleted === undefined ? `Untagged: ${Untagged ?? ''}\n` : `Deleted: ${Deleted}\n`)
    }
    return ''
  }
  // What is shown of one image stands together.
  return forEach(command, removeOne, { inTurn: true, ...(options.flag('force') ? { mayBeGone: 'told' } : {}) })
})

/** `shoal tag`: another name for an image. */
export const runTag = withEngine(async ({ api, args: [source = '', target = ''] }) => {
  const { name, tag } = splitReference(target)
  await api.ask('POST', `${imagePath(source)}/tag`, { query: { repo: name, tag: tag ?? 'latest' } })
})

interface Layer {
  readonly Id: string
  readonly Created: number
  readonly CreatedBy: string
  readonly Size: number
  readonly Comment: string
}

/** `shoal history`: the layers of an image. */
export const runHistory = withEngine(async command => {
  const { api, args, options, context } = command
  const layers = await api.ask<readonly Layer[]>('GET', `${imagePath(args[0] ?? '')}/history`)
  const trunc = options.choice('trunc') !== false
  const human = options.choice('human') !== false && options.text('human') !== 'false'
  const nowMs = context.clock.nowMs()
  const rows = layers.map(({ Id, Created, CreatedBy, Size, Comment }) => {
    const at = new Date(Created * 1_000).toISOString().replace(/\.\d+Z$/, 'Z')
    const by = CreatedBy.replaceAll('\t', ' ')
    return {
      ID: trunc ? shortId(Id) : Id,
      CreatedAt: at,
      CreatedSince: human ? ago(Created * 1_000, nowMs) : at,
      CreatedBy: trunc ? ellipsis(by, 45) : by,
      Size: human ? humanSize(Size, 3) : String(Size),
      Comment,
    }
  })
  printListing(command, rows, {
    id: 'ID',
    fields: ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'],
    titles: { ID: 'IMAGE', CreatedSince: 'CREATED', CreatedAt: 'CREATED AT', CreatedBy: 'CREATED BY' },
  })
})
