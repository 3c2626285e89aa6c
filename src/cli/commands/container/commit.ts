import { splitReference } from '../../../core/image-reference.ts'
import { type EngineCommand, withEngine } from '../../engine/engine-api.ts'

/** `shoal commit CONTAINER [IMAGE]`: an image of a container. */
export const runCommit = withEngine(commit)

/** Makes an image of the first argument, called as the second says. Prints its id. */
export async function commit({ api, args, options, context }: EngineCommand): Promise<void> {
  const [container = '', target] = args
  const { name, tag } = target === undefined ? {} : splitReference(target)
  const search = new URLSearchParams({ container })
  const set = (key: string, value: string | undefined): void => void (value === undefined || search.set(key, value))
  set('repo', name)
  set('tag', tag)
  set('comment', options.text('message'))
  set('author', options.text('author'))
  set('pause', options.choice('pause') === false ? '0' : undefined)
  for (const line of options.list('change')) search.append('changes', line)
  const { Id } = await api.ask<{ Id: string }>('POST', `/commit?${search.toString()}`, { body: {} })
  context.stdout.write(`${Id}\n`)
}
