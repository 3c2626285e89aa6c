import { errorCode, errorMessage, notFound } from '../../../core/errors.ts'
import {
  familiarImageName,
  formatImageReference,
  type ImageReference,
  parseImageReference,
} from '../../../core/image-reference.ts'
import { retry } from '../../../core/retry.ts'
import { type Descriptor, type Manifest, parseManifest } from '../format/manifest.ts'
import { choosePlatform, type Platform } from '../format/platform.ts'
import { endpointsOf } from '../registry/endpoints.ts'
import { type FetchedManifest, Repository } from '../registry/repository.ts'
import { RegistrySession } from '../registry/session.ts'
import { wrongDigest } from '../store/blob-store.ts'
import { tagName } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { installImage } from './install.ts'
import { pullReport } from './layer-report.ts'
import { GREETING, PATIENCE, type Transfer, tellingPatience } from './patience.ts'
import { type OnProgress, shortDigest, transferMeter } from './progress.ts'

/** An index may point at another one; nobody needs more. */
const INDEX_DEPTH_MAX = 3

export interface Pulling extends Transfer {
  readonly platform: Platform
  readonly allTags?: boolean | undefined
}

/** What a pull works with once it has found a registry that has the image. */
interface Pull extends Pulling {
  readonly parts: StoreParts
  readonly session: RegistrySession
  readonly reference: ImageReference
}

/**
 * Pulls an image: every byte is checked against its digest before anybody sees it, layers come in parallel and go on
 * where an earlier pull stopped; pulls of one image at the same time share the work. Resolves with the image's id. Throws
 * NO_SUCH_IMAGE, REGISTRY_DENIED, REGISTRY_UNREACHABLE, WRONG_DIGEST, TRUNCATED_BLOB, BAD_MANIFEST, and what unpacking throws.
 */
export async function pullImage(parts: StoreParts, text: string, options: Pulling): Promise<string> {
  const reference = parseImageReference(text)
  const { signal, auth } = options
  const places = endpointsOf(reference, options.registry, 'pull')
  let failure: unknown
  for (const [index, { ways, mirror }] of places.entries()) {
    try {
      // What was given for docker.io is not for whoever mirrors it.
      const { trust, clock } = options.registry
      const greeting = { scope: scopeOf(reference, 'pull'), auth: mirror ? undefined : auth, signal, trust, clock }
      using session = await retry(() => RegistrySession.open(ways, greeting), GREETING, { clock: parts.clock, signal })
      return await pullFrom({ ...options, parts, session, reference })
    } catch (error) {
      signal.throwIfAborted()
      failure = error
      if (!mirror) break
      const mirrorUrl = ways[0]?.url
      if (index < places.length - 1) parts.log.warn({ mirror: mirrorUrl, error: errorMessage(error) }, 'mirror failed')
    }
  }
  throw failure
}

async function pullFrom(pull: Pull): Promise<string> {
  const { parts, reference, onProgress, signal } = pull
  const isOne = pull.allTags !== true || reference.tag !== undefined || reference.digest !== undefined
  const repository = repositoryOf(pull, pull.session)
  const tags = isOne ? [reference.tag] : await retry(() => repository.tags(), PATIENCE, { clock: parts.clock, signal })
  let last: Pulled | undefined
  let isNew = false
  for (const tag of tags) {
    last = await pullOne({ ...pull, reference: tag === undefined ? reference : { ...reference, tag } })
    isNew ||= last.isNew
  }
  const shown = familiarImageName(reference)
  if (last === undefined) throw notFound('NO_SUCH_IMAGE', `The repository ${shown} has no tags: push one to it first`)
  const name = isOne ? shown : shown.replace(/:latest$/, '')
  onProgress({ status: `Status: ${isNew ? 'Downloaded newer image' : 'Image is up to date'} for ${name}` })
  return last.id
}

interface Pulled {
  readonly id: string
  readonly isNew: boolean
}

async function pullOne(pull: Pull): Promise<Pulled> {
  const { parts, reference, onProgress, signal, platform } = pull
  const wanted = reference.digest ?? reference.tag ?? 'latest'
  const repository = repositoryOf(pull, pull.session)
  const top = await retry(() => repository.manifest(wanted), PATIENCE, { clock: parts.clock, signal })
  const { fetched, manifest } = await platformManifest(pull, repository, top)
  onProgress({ status: `Pulling from ${reference.repository}`, id: wanted })
  const known = parts.catalog.get(manifest.config.digest)
  const source = { manifest, manifestBytes: fetched.bytes, mediaType: fetched.mediaType }
  const names = namesOf(reference, top.digest)
  const key = `${fetched.digest} ${names.join(' ')} ${platform.architecture}`
  const id = await parts.pulling.join(key, { onProgress, signal }, async (report, shared) => {
    using session = pull.session.fork(shared)
    const remote = repositoryOf(pull, session)
    return installImage(parts, source, {
      fetchBlob: blob =>
        fetchBlob(blob, { parts, remote, onProgress: report, signal: shared, config: manifest.config }),
      report: pullReport(known === undefined || known.hidden ? report : () => {}, parts.clock),
      signal: shared,
      names,
    })
  })
  onProgress({ status: `Digest: ${top.digest}` })
  return { id, isNew: known === undefined || known.hidden }
}

/** Follows an index to the manifest for a platform. */
async function platformManifest(
  pull: Pull,
  repository: Repository,
  top: FetchedManifest,
): Promise<{ readonly fetched: FetchedManifest; readonly manifest: Manifest }> {
  let fetched = top
  for (let depth = 0; depth <= INDEX_DEPTH_MAX; depth++) {
    const parsed = parseManifest(fetched.bytes, fetched.mediaType)
    if (parsed.kind === 'manifest') {
      return { fetched: { ...fetched, mediaType: parsed.mediaType }, manifest: parsed.manifest }
    }
    const entry = choosePlatform(parsed.entries, pull.platform, familiarImageName(pull.reference))
    const patiently = { clock: pull.parts.clock, signal: pull.signal }
    fetched = await retry(() => repository.manifest(entry.digest), PATIENCE, patiently)
    if (fetched.size !== entry.size) throw wrongDigest(entry.digest, `it has ${fetched.size}, not ${entry.size} bytes`)
  }
  throw wrongDigest(top.digest, `it is an index of indexes, more than ${INDEX_DEPTH_MAX} deep`)
}

interface BlobFetch {
  readonly parts: StoreParts
  readonly remote: Repository
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
  /** Of which docker shows nothing. */
  readonly config: Descriptor
}

async function fetchBlob(blob: Descriptor, { parts, remote, onProgress, signal, config }: BlobFetch): Promise<void> {
  const { clock } = parts
  const say = blob === config ? (): void => {} : onProgress
  const patience = tellingPatience(shortDigest(blob.digest), say)
  const fetch = (): Promise<void> => {
    const meter = transferMeter('Downloading', { digest: blob.digest, total: blob.size }, { onProgress: say, clock })
    return parts.blobs.fetch(blob, remote.blobSource(blob.digest), meter)
  }
  try {
    await retry(fetch, patience, { clock, signal })
  } catch (error) {
    // The cause of what the abort made fail is the abort.
    if (errorCode(error) !== 'WRONG_DIGEST') signal.throwIfAborted()
    throw error
  }
}

function repositoryOf({ reference }: Pull, session: RegistrySession): Repository {
  return new Repository(session, { reference, name: familiarImageName(reference), action: 'pull' })
}

/** With a digest the tag says nothing, so it is not given. */
function namesOf(reference: ImageReference, digest: string): readonly string[] {
  const { registry, repository } = reference
  const byDigest = formatImageReference({ registry, repository, digest })
  return reference.digest === undefined ? [byDigest, tagName(reference)] : [byDigest]
}

/** What a token is asked for. Source: distribution token specification. */
export function scopeOf({ repository }: ImageReference, actions: string): string {
  return `repository:${repository}:${actions}`
}
