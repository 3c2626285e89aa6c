import { type Clock, sleep, withDeadline } from '../../core/clock.ts'
import { errorMessage, failed, isTransient } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'

/** How long a store that others run may be silent at the start before we give up. */
const STORE_MS_MAX = 15_000
/** One that was started here a moment ago: on a slow host, or after a crash, it takes its time. */
const OWN_STORE_MS_MAX = 60_000
const PAUSE_MS = 500

export interface StoreWait {
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  /** The store, as people know it: `etcd://10.0.0.5:2379`. */
  readonly where: string
  /** Tells how our own store ended, without which there is none; absent: others run the store. */
  readonly ended: Promise<string> | undefined
  /** This host has a member of the store, and may be the first of several that start. */
  readonly isMember?: boolean
}

/**
 * Has something asked of the store until it answers. Throws 500 NO_STORE when it is silent for too long, ETCD_FAILED as soon as our own
 * has ended, and what is no passing trouble.
 */
export async function untilStoreAnswers<T>(
  ask: () => Promise<T>,
  { clock, log, signal, where, ended, isMember = ended !== undefined }: StoreWait,
): Promise<T> {
  let last = `The store at ${where} does not answer`
  const trying = async (inner: AbortSignal): Promise<T> => {
    while (true) {
      try {
        return await ask()
      } catch (error) {
        inner.throwIfAborted()
        if (!isTransient(error)) throw error
        if (last !== errorMessage(error)) log.warn({ error: errorMessage(error) }, 'the store does not answer yet')
        last = errorMessage(error)
        await sleep(clock, PAUSE_MS, inner)
      }
    }
  }
  const timeoutMs = isMember ? OWN_STORE_MS_MAX : STORE_MS_MAX
  return withDeadline(
    inner => (ended === undefined ? trying(inner) : Promise.race([trying(inner), ended.then(failedEarly)])),
    timeoutMs,
    { clock, signal, onTimeout: () => failed('NO_STORE', `${last}; gave up after ${timeoutMs / 1_000} s`) },
  )
}

function failedEarly(how: string): never {
  throw failed(
    'ETCD_FAILED',
    `The embedded store ended before it answered: ${how}. Its data directory has its etcd.log`,
  )
}
