import { notFound } from '../../../core/errors.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { forEach } from '../../engine/for-each.ts'
import { type ListingFormat, renderListing } from '../../output/format.ts'
import { type NodeApi, withManager } from './node-api.ts'

interface Asked {
  readonly invocation: Invocation
  readonly context: CommandContext
}

/** Prints what a manager lists at a path. */
export async function listAll<T>(
  path: string,
  format: ListingFormat<T>,
  { invocation, context }: Asked,
): Promise<void> {
  const items = (await withManager(invocation, context, api => api.call('GET', path))) as readonly T[]
  const { options } = invocation
  context.stdout.write(renderListing(items, format, { format: options.text('format'), quiet: options.flag('quiet') }))
}

interface Seen extends Pick<Invocation, 'args'> {
  readonly api: NodeApi
  readonly context: CommandContext
}

/** What a change of each of them would come to: nothing but for those that are not there, which is told. */
export async function seeEach<T>(
  path: string,
  { id }: ListingFormat<T>,
  { api, args, context }: Seen,
): Promise<number> {
  const known = ((await api.call('GET', path)) as readonly T[]).map(id)
  return forEach({ args, context }, async name => {
    if (!known.includes(name)) throw notFound('NOT_THERE', `There is no ${name}`)
  })
}
