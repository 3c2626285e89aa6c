import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorCode, unavailable } from '../../core/errors.ts'
import { dialApi } from '../../docker-api/index.ts'

/** Who listens on this machine takes a connection at once. */
const CONNECT_MS_MAX = 500

/**
 * What connecting to an address of this machine comes to. Denied: somebody may listen there whom the person may not ask. Dead: who
 * listened there has gone, and has left the socket behind.
 */
export type Presence = 'answers' | 'denied' | 'dead' | 'nobody'

export type Look = (url: string) => Promise<Presence>

export interface LookPorts {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Connects, and hangs up. Throws only what the signal says. */
export async function whoListens(url: string, { clock, signal }: LookPorts): Promise<Presence> {
  const onTimeout = (): Error => unavailable('ENGINE_UNAVAILABLE', `Nobody answers at ${url}`)
  try {
    const connection = await withDeadline(inner => dialApi(url, { clock }, inner), CONNECT_MS_MAX, {
      clock,
      signal,
      onTimeout,
    })
    connection.destroy()
    return 'answers'
  } catch (error) {
    signal.throwIfAborted()
    if (isDenied(error)) return 'denied'
    return rootCode(error) === 'ECONNREFUSED' && url.startsWith('unix://') ? 'dead' : 'nobody'
  }
}

/** Whether somebody may be there who may not be asked: the socket, or its folder, is closed to the person. */
export function isDenied(error: unknown): boolean {
  return rootCode(error) === 'EACCES'
}

/** The system's code, behind the wrapping of whoever tried to connect. */
export function rootCode(error: unknown): string | undefined {
  return error instanceof Error && error.cause !== undefined ? rootCode(error.cause) : errorCode(error)
}

/**
 * The first address at which somebody listens; where that is not for the person to ask, it is the one all the same, so that what is meant
 * for it is done by nobody else. Else the first that died; undefined: there is none at all.
 */
export async function firstListener(urls: readonly string[], look: Look): Promise<string | undefined> {
  let dead: string | undefined
  for (const url of urls) {
    const presence = await look(url)
    if (presence === 'answers' || presence === 'denied') return url
    if (presence === 'dead') dead ??= url
  }
  return dead
}
