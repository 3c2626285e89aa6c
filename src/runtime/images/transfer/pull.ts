import {
  familiarImageName,
  formatImageReference,
  type ImageReference,
  parseImageReference,
} from '../../../core/image-reference.ts'
import { backoff, retry } from '../../../core/retry.ts'
import type { RegistryAuth } from '../../../docker-api/index.ts'
import { choosePlatform, type Descriptor, hostPlatform, type Manifest, parseManifest } from '../manifest.ts'
import { endpointsOf, type RegistryOptions } from '../registry/endpoints.ts'
import { type FetchedManifest, Repository } from '../registry/repository.ts'
import { RegistrySession } from '../registry/session.ts'
import { wrongDigest } from '../store/blob-store.ts'
import { tagName } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { installImage } from './install.ts'
import { type OnProgress, transferMeter } from './progress.ts'

const PATIENCE = { triesMax: 4, waitMs: backoff(300, 5_000) }

/** A registry that does not answer is given one more chance: each costs up to half a minute. */
export const GREETING = { triesMax: 2, waitMs: backoff(500, 500) }

export interface TransferOptions {
  readonly registry: RegistryOptions
  readonly auth: RegistryAuth | undefined
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

/** What a pull works with once it has found a registry that has the image. */
interface Pull extends TransferOptions {
  readonly parts: StoreParts
  readonly repository: Repository
  readonly reference: ImageReference
}

/**
 * Pulls an image: every byte is checked against its digest before anybody sees it, layers come in parallel and go on
 * where an earlier pull stopped. Resolves with the image's id. Throws NO_SUCH_IMAGE, REGISTRY_DENIED,
 * REGISTRY_UNREACHABLE, WRONG_DIGEST, TRUNCATED_BLOB, BAD_MANIFEST, and what unpacking throws.
 */
export async function pullImage(parts: StoreParts, text: string, options: TransferOptions): Promise<string> {
  const reference = parseImageReference(text)
  const { repository: path, tag, digest } = reference
  const places = endpointsOf(reference, options.registry, 'pull')
  options.onProgress({ status: `Pulling from ${path}`, id: digest ?? tag ?? 'latest' })
  let failure: unknown
  for (const [index, ways] of places.entries()) {
    try {
      const session = { repository: path, actions: 'pull', auth: options.auth, signal: options.signal }
      using opened = await retry(() => RegistrySession.open(ways, session), GREETING, {
        clock: parts.clock,
        signal: options.signal,
      })
      const repository = new Repository(opened, familiarImageName(reference), 'pull')
      return await pullFrom({ ...options, parts, repository, reference })
    } catch (error) {
      options.signal.throwIfAborted()
      failure = error
      if (index < places.length - 1) parts.log.warn({ mirror: ways[0]?.url, error: String(error) }, 'mirror failed')
    }
  }
  throw failure
}

async function pullFrom(pull: Pull): Promise<string> {
  const { parts, reference, onProgress } = pull
  const patiently = { clock: parts.clock, signal: pull.signal }
  const top = await retry(
    () => pull.repository.manifest(reference.digest ?? reference.tag ?? 'latest'),
    PATIENCE,
    patiently,
  )
  const { fetched, manifest } = await platformManifest(pull, top)
  const known = parts.catalog.get(manifest.config.digest)
  const { bytes, mediaType } = fetched
  const id = await installImage(
    parts,
    { manifest, manifestBytes: bytes, mediaType },
    { fetchBlob: blob => fetchBlob(pull, blob), onProgress, signal: pull.signal },
  )
  await name(pull, id, top.digest)
  onProgress({ status: `Digest: ${top.digest}` })
  const shown = familiarImageName(reference)
  onProgress({
    status:
      known === undefined ? `Status: Downloaded newer image for ${shown}` : `Status: Image is up to date for ${shown}`,
  })
  return id
}

/** Follows an index to the manifest for this host. */
async function platformManifest(
  pull: Pull,
  top: FetchedManifest,
): Promise<{ readonly fetched: FetchedManifest; readonly manifest: Manifest }> {
  const parsed = parseManifest(top.bytes, top.mediaType)
  if (parsed.kind === 'manifest') {
    return { fetched: { ...top, mediaType: parsed.mediaType }, manifest: parsed.manifest }
  }
  const entry = choosePlatform(parsed.entries, hostPlatform(), familiarImageName(pull.reference))
  const patiently = { clock: pull.parts.clock, signal: pull.signal }
  const fetched = await retry(() => pull.repository.manifest(entry.digest), PATIENCE, patiently)
  if (fetched.size !== entry.size) throw wrongDigest(entry.digest, `it has ${fetched.size}, not ${entry.size} bytes`)
  const inner = parseManifest(fetched.bytes, fetched.mediaType)
  if (inner.kind === 'index') return platformManifest(pull, fetched)
  return { fetched: { ...fetched, mediaType: inner.mediaType }, manifest: inner.manifest }
}

function fetchBlob(pull: Pull, blob: Descriptor): Promise<void> {
  const { parts, repository, onProgress, signal } = pull
  return retry(
    () => {
      const meter = transferMeter(
        'Downloading',
        { digest: blob.digest, total: blob.size },
        { onProgress, clock: parts.clock },
      )
      return parts.blobs.fetch(blob, repository.blobSource(blob.digest), meter)
    },
    PATIENCE,
    { clock: parts.clock, signal },
  )
}

async function name({ parts, reference }: Pull, id: string, digest: string): Promise<void> {
  const { registry, repository } = reference
  await parts.catalog.changeNames(names => {
    names.set(formatImageReference({ registry, repository, digest }), id)
    if (reference.digest === undefined) names.set(tagName(reference), id)
  })
}
