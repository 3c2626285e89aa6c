import { Transform } from 'node:stream'
import { notFound } from '../../../core/errors.ts'
import { familiarImageName, formatImageReference, parseImageReference } from '../../../core/image-reference.ts'
import { mapParallel } from '../../../core/parallel.ts'
import { backoff, retry } from '../../../core/retry.ts'
import type { Descriptor } from '../manifest.ts'
import { endpointsOf } from '../registry/endpoints.ts'
import { Repository } from '../registry/repository.ts'
import { RegistrySession } from '../registry/session.ts'
import { type ImageRecord, tagName } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { shortDigest, transferMeter } from './progress.ts'
import { GREETING, type TransferOptions } from './pull.ts'

const BLOBS_AT_ONCE = 4
const PATIENCE = { triesMax: 4, waitMs: backoff(300, 5_000) }

/** Pushes an image under a name it has: blobs the registry lacks, then the manifest, byte for byte as it was pulled. */
export async function pushImage(parts: StoreParts, text: string, options: TransferOptions): Promise<void> {
  const reference = parseImageReference(text)
  const { registry, repository, tag = 'latest' } = reference
  const image = parts.catalog.find(tagName(reference))
  const { onProgress, auth, signal } = options
  onProgress({ status: `The push refers to repository [${familiarImageName(reference).replace(/[:@][^/]*$/, '')}]` })
  await requireBlobs(parts, image)
  const [ways = []] = endpointsOf(reference, options.registry, 'push')
  const greeting = { repository, actions: 'pull,push', auth, signal }
  using session = await retry(() => RegistrySession.open(ways, greeting), GREETING, { clock: parts.clock, signal })
  const remote = new Repository(session, familiarImageName(reference), 'push')
  const manifest = await parts.blobs.read(image.manifest.digest)
  const config: Descriptor = { digest: image.id, size: (await parts.blobs.sizeOf(image.id)) ?? 0, mediaType: '' }
  const layers = [...new Map(image.layers.map(layer => [layer.digest, layer])).values()]
  for (const { digest } of layers) onProgress({ status: 'Preparing', progressDetail: {}, id: shortDigest(digest) })
  await mapParallel([...layers, config], BLOBS_AT_ONCE, blob =>
    pushBlob(parts, remote, { blob, report: blob === config ? () => {} : onProgress, signal }),
  )
  await remote.putManifest(tag, manifest, image.manifest.mediaType)
  const { digest } = image.manifest
  const pushed = formatImageReference({ registry, repository, digest })
  await parts.catalog.changeNames(names => void names.set(pushed, image.id))
  onProgress({ status: `${tag}: digest: ${digest} size: ${manifest.length}` })
  onProgress({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: manifest.length } })
}

async function requireBlobs(parts: StoreParts, image: ImageRecord): Promise<void> {
  for (const { digest } of image.layers) {
    if ((await parts.blobs.sizeOf(digest)) === undefined) {
      throw notFound('NO_SUCH_BLOB', `The layer ${digest} is not in the store: pull the image again before pushing it`)
    }
  }
}

async function pushBlob(
  parts: StoreParts,
  remote: Repository,
  { blob, report, signal }: { blob: Descriptor; report: TransferOptions['onProgress']; signal: AbortSignal },
): Promise<void> {
  const id = shortDigest(blob.digest)
  const send = async (): Promise<void> => {
    if (await remote.hasBlob(blob.digest)) return report({ status: 'Layer already exists', progressDetail: {}, id })
    const total = blob.size
    const meter = transferMeter('Pushing', { digest: blob.digest, total }, { onProgress: report, clock: parts.clock })
    await remote.putBlob(blob, () => {
      const counted = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          meter(chunk.length)
          done(undefined, chunk)
        },
      })
      const source = parts.blobs.stream(blob.digest)
      source.on('error', error => counted.destroy(error))
      return source.pipe(counted)
    })
    report({ status: 'Pushed', progressDetail: {}, id })
  }
  await parts.leases.hold([blob.digest], () => retry(send, PATIENCE, { clock: parts.clock, signal }))
}
