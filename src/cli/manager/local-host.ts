import { connect } from 'node:net'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { unavailable } from '../../core/errors.ts'
import type { CommandContext, Invocation, Options } from '../command.ts'
import { namedHost } from '../engine/engine-address.ts'
import { LOCAL_HOSTS, parseManagerAddress } from './manager-address.ts'

/** Who listens on this machine takes a connection at once. */
const CONNECT_MS_MAX = 500

/** The first that answers; the first of all if none does, so that it is told why. */
export async function localHost(answers: (url: string) => Promise<boolean>): Promise<string> {
  for (const url of LOCAL_HOSTS) if (await answers(url)) return url
  return LOCAL_HOSTS[0]
}

/** The same command line with the host of this machine in it, if neither flags nor variables nor a docker context name one. */
export async function withLocalHost(invocation: Invocation, context: CommandContext): Promise<Invocation> {
  if (namedHost(invocation, context) !== undefined) return invocation
  const host = await localHost(url => isListening(url, context))
  const { globals } = invocation
  // `--context default` names none, and does not go with a host.
  const text: Options['text'] = name => (name === 'host' ? host : name === 'context' ? undefined : globals.text(name))
  return { ...invocation, globals: { ...globals, text } }
}

async function isListening(url: string, { clock, signal }: { clock: Clock; signal: AbortSignal }): Promise<boolean> {
  const address = parseManagerAddress(url)
  const socket = 'port' in address ? connect(address.port, address.host) : connect(url.slice('unix://'.length))
  const answered = new Promise<boolean>(resolve => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  const onTimeout = (): Error => unavailable('ENGINE_UNAVAILABLE', `Nobody answers at ${url}`)
  try {
    return await withDeadline(() => answered, CONNECT_MS_MAX, { clock, signal, onTimeout })
  } catch {
    signal.throwIfAborted()
    return false
  } finally {
    socket.destroy()
  }
}
