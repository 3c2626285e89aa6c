import { type Clock, sleep } from '../../core/clock.ts'
import { errorMessage, ShoalError, unavailable } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { ContainerSpec } from '../../core/model/service.ts'
import type { Engine } from '../../docker-api/index.ts'
import type { PeerImages } from '../ports.ts'

export interface EnsureImagePorts {
  readonly engine: Engine
  readonly peers: PeerImages
  readonly clock: Clock
  readonly log: Log
}

/** A registry that has sent nothing for so long may not be there at all: hosts without a way out wait long for a name. */
const REGISTRY_PATIENCE_MS = 1_000

/**
 * Makes sure that the engine has a container's image: there already, else from its registry, else from a member of the
 * cluster that has it. An image that was built is asked for by its id, first from the members: on them its name may
 * mean an older build. Throws the registry's answer if nobody has it.
 */
export async function ensureImage(
  { image, imageId, pullPolicy, pullAfterMs }: Pick<ContainerSpec, 'image' | 'imageId' | 'pullPolicy' | 'pullAfterMs'>,
  ports: EnsureImagePorts,
  signal: AbortSignal,
): Promise<void> {
  const pinned = imageId ?? image
  if (imageId === undefined && pullPolicy === 'always')
    return settle(await startPull(image, ports, signal).outcome, image, ports, signal)
  if (await hasImage(pinned, ports.engine)) {
    if (imageId === undefined && pullAfterMs !== undefined) await refresh(image, pullAfterMs, ports, signal)
    return
  }
  if (pullPolicy === 'never') {
    if (await ports.peers.fetch(pinned, signal)) return
    throw unavailable(
      'IMAGE_MISSING',
      `No node that is up has the image ${image}, and pull_policy is never: load or build it`,
    )
  }
  if (imageId === undefined) return bringNamed(image, ports, signal)
  if (await ports.peers.fetch(imageId, signal)) return
  // It may have been pushed since it was built.
  const outcome = await startPull(image, ports, signal).outcome
  signal.throwIfAborted()
  if (await hasImage(imageId, ports.engine)) return
  const why = outcome.pulled ? 'the registry has another one under this name' : errorMessage(outcome.error)
  const advice = 'build it again with `compose up --build`, or push it'
  throw unavailable('IMAGE_GONE', `No node that is up has the image ${image} as it was built (${why}): ${advice}`)
}

/** Pulls an image anew that was pulled too long ago. A registry that does not answer keeps nobody from running what is there. */
async function refresh(image: string, afterMs: number, ports: EnsureImagePorts, signal: AbortSignal): Promise<void> {
  const { Metadata } = await ports.engine.images.inspect(image)
  const pulledMs = Date.parse(Metadata?.LastTagTime ?? '') || 0
  if (ports.clock.nowMs() - pulledMs < afterMs) return
  const outcome = await startPull(image, ports, signal).outcome
  signal.throwIfAborted()
  if (outcome.pulled) return
  ports.log.info({ image, error: errorMessage(outcome.error) }, 'cannot pull anew, running what is there')
}

async function bringNamed(reference: string, ports: EnsureImagePorts, signal: AbortSignal): Promise<void> {
  const giveUp = new AbortController()
  const pulling = startPull(reference, ports, AbortSignal.any([signal, giveUp.signal]))
  const patience = new AbortController()
  const answer = await Promise.race([
    pulling.outcome,
    sleep(ports.clock, REGISTRY_PATIENCE_MS, AbortSignal.any([signal, patience.signal])),
  ])
  patience.abort()
  if (
    answer === undefined &&
    !pulling.isAnswered() &&
    (await fetchUnlessPulled(reference, pulling.outcome, ports, signal))
  ) {
    return giveUp.abort()
  }
  return settle(answer ?? (await pulling.outcome), reference, ports, signal)
}

/** Whether the members have brought it. They are given up when the registry has: one of them may be silent for long. */
async function fetchUnlessPulled(
  reference: string,
  outcome: Promise<Outcome>,
  { peers }: EnsureImagePorts,
  signal: AbortSignal,
): Promise<boolean> {
  const giveUp = new AbortController()
  const fetching = peers.fetch(reference, AbortSignal.any([signal, giveUp.signal]))
  // Where the registry has failed, the members are all there is.
  const pulled = outcome.then(({ pulled }) => (pulled ? false : fetching))
  try {
    return await Promise.race([fetching, pulled])
  } finally {
    giveUp.abort()
    fetching.catch(() => {})
    pulled.catch(() => {})
  }
}

/** How a pull ended; never a rejection, so that nobody has to be listening yet. */
type Outcome = { readonly pulled: true } | { readonly pulled: false; readonly error: unknown }

function startPull(
  reference: string,
  { engine }: EnsureImagePorts,
  signal: AbortSignal,
): { readonly outcome: Promise<Outcome>; readonly isAnswered: () => boolean } {
  let received = 0
  const onProgress = ({ progressDetail }: { readonly progressDetail?: { readonly current?: number } }): void => {
    received = Math.max(received, progressDetail?.current ?? 0)
  }
  const outcome = engine.images.pull(reference, { onProgress }, signal).then(
    () => ({ pulled: true }) as const,
    (error: unknown) => ({ pulled: false, error }) as const,
  )
  return { outcome, isAnswered: () => received > 0 }
}

/** A pull that failed is made good by a member that has the image; patience with a registry is the task's, and the pull's own. */
async function settle(
  outcome: Outcome,
  reference: string,
  ports: EnsureImagePorts,
  signal: AbortSignal,
): Promise<void> {
  if (outcome.pulled) return
  signal.throwIfAborted()
  ports.log.info({ image: reference, error: errorMessage(outcome.error) }, 'cannot pull, asking the other members')
  if (await ports.peers.fetch(reference, signal)) return
  throw outcome.error
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
