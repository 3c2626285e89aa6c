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

/** A host that is busy or slow is waited for, where no other has the image. */
const ASK_MS = 15_000
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
      const asked = new Map(members().map(member => [member.name, ask(member, reference, signal)]))
      for (;;) {
        const found = await firstOf(asked)
        signal.throwIfAborted()
        if (found === undefined) return false
        asked.delete(found.name)
        try {
          const onTimeout = (): Error => unavailable('PEER_SLOW', `Copying ${reference} took too long`)
          const engines = { source: found.peer, target: engine }
          await withDeadline(inner => copyImage(reference, engines, inner), FETCH_MS, { clock, signal, onTimeout })
          return true
        } catch (error) {
          signal.throwIfAborted()
          log.warn({ image: reference, error: errorMessage(error) }, 'cannot copy the image from a member')
        }
      }
    },
  }
}

/** The member that answers first; undefined: none does, or has it. */
async function firstOf(asked: ReadonlyMap<string, Promise<Engine>>): Promise<Found | undefined> {
  try {
    return await Promise.any([...asked].map(async ([name, answer]) => ({ name, peer: await answer })))
  } catch {
    return undefined
  }
}

interface Found {
  readonly name: string
  readonly peer: Engine
}
