import type { Clock } from '../core/clock.ts'
import { errorMessage, isTransient, ShoalError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { backoff, retry } from '../core/retry.ts'
import type { Engine } from '../docker-api/index.ts'
import type { PeerImages } from './ports.ts'

export interface EnsureImagePorts {
  readonly engine: Engine
  readonly peers: PeerImages
  readonly clock: Clock
  readonly log: Log
}

const PULL_TRIES_MAX = 3
const PULL_RETRY_FIRST_MS = 500
const PULL_RETRY_MAX_MS = 4_000

/**
 * Makes sure that the engine has an image: there already, else from its registry, else from a member of the cluster that
 * has it (an image that was built on one node is in no registry). Throws the registry's answer if nobody has it.
 */
export async function ensureImage(reference: string, ports: EnsureImagePorts, signal: AbortSignal): Promise<void> {
  if (await hasImage(reference, ports.engine)) return
  try {
    await ports.engine.images.pull(reference, {}, signal)
    return
  } catch (error) {
    signal.throwIfAborted()
    ports.log.info({ image: reference, error: errorMessage(error) }, 'cannot pull, asking the other members')
    if (await ports.peers.fetch(reference, signal)) return
    if (!isTransient(error)) throw error
  }
  const patience = { triesMax: PULL_TRIES_MAX, waitMs: backoff(PULL_RETRY_FIRST_MS, PULL_RETRY_MAX_MS) }
  await retry(() => ports.engine.images.pull(reference, {}, signal), patience, { clock: ports.clock, signal })
}

async function hasImage(reference: string, engine: Engine): Promise<boolean> {
  try {
    await engine.images.inspect(reference)
    return true
  } catch (error) {
    if (error instanceof ShoalError && error.status === 404) return false
    throw error
  }
}
