import { type Clock, withDeadline } from '../core/clock.ts'
import { errorMessage, unavailable } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { MemberRecord } from '../core/model/node.ts'
import { copyImage, type Engine } from '../docker-api/index.ts'
import type { PeerImages } from './ports.ts'

export interface PeerImagesPorts {
  readonly engine: Engine
  /** The other members, as they are now. */
  readonly members: () => readonly MemberRecord[]
  /** A client of a member's Docker Engine API. */
  readonly connect: (member: MemberRecord) => Engine
  readonly clock: Clock
  readonly log: Log
}

const ASK_MS = 2_000
const FETCH_MS = 300_000

/** Asks all members at once whether they have an image, and loads it from the first that does. */
export function createPeerImages({ engine, members, connect, clock, log }: PeerImagesPorts): PeerImages {
  const ask = async (member: MemberRecord, reference: string, signal: AbortSignal): Promise<Engine> => {
    const peer = connect(member)
    const onTimeout = (): Error => unavailable('PEER_SILENT', `Node ${member.name} does not answer`)
    await withDeadline(() => peer.images.inspect(reference), ASK_MS, { clock, signal, onTimeout })
    return peer
  }
  return {
    async fetch(reference, signal) {
      const answers = await Promise.allSettled(members().map(member => ask(member, reference, signal)))
      signal.throwIfAborted()
      for (const answer of answers) {
        if (answer.status === 'rejected') continue
        try {
          const onTimeout = (): Error => unavailable('PEER_SLOW', `Copying ${reference} took too long`)
          const engines = { source: answer.value, target: engine }
          await withDeadline(inner => copyImage(reference, engines, inner), FETCH_MS, { clock, signal, onTimeout })
          return true
        } catch (error) {
          signal.throwIfAborted()
          log.warn({ image: reference, error: errorMessage(error) }, 'cannot copy the image from a member')
        }
      }
      return false
    },
  }
}
