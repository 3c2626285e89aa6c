import type { CommandContext, Invocation, Options } from '../command.ts'
import { namedHost } from '../engine/engine-address.ts'
import { whoListens } from '../engine/who-listens.ts'
import { LOCAL_HOSTS } from './manager-address.ts'

/** The first that answers; the first of all if none does, so that it is told why. */
export async function localHost(answers: (url: string) => Promise<boolean>): Promise<string> {
  for (const url of LOCAL_HOSTS) if (await answers(url)) return url
  return LOCAL_HOSTS[0]
}

/** The same command line with the host of this machine in it, if neither flags nor variables nor a docker context name one. */
export async function withLocalHost(invocation: Invocation, context: CommandContext): Promise<Invocation> {
  if (namedHost(invocation, context) !== undefined) return invocation
  const host = await localHost(async url => (await whoListens(url, context)) === 'answers')
  const { globals } = invocation
  // `--context default` names none, and does not go with a host.
  const text: Options['text'] = name => (name === 'host' ? host : name === 'context' ? undefined : globals.text(name))
  return { ...invocation, globals: { ...globals, text } }
}
