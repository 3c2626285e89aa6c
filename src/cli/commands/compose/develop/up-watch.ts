import { invalidInput } from '../../../../core/errors.ts'
import type { CommandContext, Invocation, Options } from '../../../command.ts'
import { runLogs } from '../logs.ts'
import { runUp } from '../up/up.ts'
import { runWatch } from './watch.ts'

/** `compose up --watch`: brings everything up, and then shows what it writes and keeps it at what the files here say. */
export async function runUpWatch(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options } = invocation
  const other = ['detach', 'wait'].find(name => options.flag(name))
  if (other !== undefined) throw invalidInput('BAD_FLAG', `--${other} and --watch are incompatible`)
  const only = (flags: readonly string[], own: Partial<Options> = {}): Invocation => ({
    ...invocation,
    options: { ...options, ...own, flag: name => flags.includes(name) },
  })
  const detached = (name: string): boolean => name === 'detach' || (name !== 'watch' && options.flag(name))
  const code = await runUp({ ...invocation, options: { ...options, flag: detached } }, context)
  if (options.flag('dryRun')) return code
  const ending = new AbortController()
  const signal = AbortSignal.any([context.signal, ending.signal])
  const noUp = only([], { choice: name => (name === 'up' ? false : undefined) })
  const following = only(['follow', ...(options.flag('timestamps') ? ['timestamps'] : [])], {
    text: name => (name === 'tail' ? '0' : undefined),
  })
  try {
    // Neither ends by itself but by an error, which is then what is told.
    return await Promise.race([runWatch(noUp, { ...context, signal }), runLogs(following, { ...context, signal })])
  } finally {
    ending.abort()
  }
}
