import { Transform } from 'node:stream'
import { notFound } from '../../../core/errors.ts'
import {
  familiarImageName,
  formatImageReference,
  type ImageReference,
  parseImageReference,
} from '../../../core/image-reference.ts'
import { mapParallel } from '../../../core/parallel.ts'
import { retry } from '../../../core/retry.ts'
import type { Descriptor } from '../format/manifest.ts'
import { endpointsOf } from '../registry/endpoints.ts'
import { Repository } from '../registry/repository.ts'
import { RegistrySession } from '../registry/session.ts'
import { type ImageRecord, tagName } from '../store/image-catalog.ts'
import { hasLayerBlob } from '../store/layer-blob.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { packLayers } from './pack-layers.ts'
import { GREETING, type Transfer, tellingPatience } from './patience.ts'
import { type OnProgress, shortDigest, transferMeter } from './progress.ts'
import { scopeOf } from './pull.ts'

export interface Pushing extends Transfer {
  readonly allTags?: boolean | undefined
}

interface Push extends Pushing {
  readonly parts: StoreParts
  readonly remote: Repository
}

/**
 * Pushes an image under a name it has, or under all its tags: blobs the registry lacks, then the manifest, byte for byte
 * as it was pulled. Throws NO_SUCH_IMAGE, NO_SUCH_BLOB, REGISTRY_DENIED, REGISTRY_UNREACHABLE.
 */
export async function pushImage(parts: StoreParts, text: string, options: Pushing): Promise<void> {
  const reference = parseImageReference(text)
  const { registry, repository } = reference
  const { onProgress, auth, signal } = options
  onProgress({ status: `The push refers to repository [${registry}/${repository}]` })
  const tagged = taggedImages(parts, reference, options.allTags === true)
  for (const { image } of tagged) await requireBlobs(parts, image)
  const [{ ways }] = endpointsOf(reference, options.registry, 'push')
  const greeting = {
    scope: scopeOf(reference, 'pull,push'),
    auth,
    signal,
    trust: options.registry.trust,
    clock: parts.clock,
  }
  using session = await retry(() => RegistrySession.open(ways, greeting), GREETING, { clock: parts.clock, signal })
  const remote = new Repository(session, { reference, name: familiarImageName(reference), action: 'push' })
  for (const { tag, image } of tagged) await pushOne({ ...options, parts, remote }, { ...reference, tag }, image)
}

interface TaggedImage {
  readonly tag: string
  readonly image: ImageRecord
}

function taggedImages(parts: StoreParts, reference: ImageReference, allTags: boolean): readonly TaggedImage[] {
  if (allTags && reference.tag === undefined) {
    const repository = `${reference.registry}/${reference.repository}:`
    const names = parts.catalog
      .list()
      .flatMap(image => parts.catalog.namesOf(image.id).tags.map(name => ({ name, image })))
      .filter(({ name }) => name.startsWith(repository) && !name.slice(repository.length).includes('/'))
    if (names.length > 0) return names.map(({ name, image }) => ({ tag: name.slice(repository.length), image }))
  }
  const image = parts.catalog.named(tagName(reference))
  const { tag: _tag, ...untagged } = reference
  const shown = familiarImageName(untagged).replace(/:latest$/, '')
  if (image !== undefined) return [{ tag: reference.tag ?? 'latest', image }]
  throw notFound('NO_SUCH_IMAGE', `An image does not exist locally with the tag: ${shown}`)
}

async function pushOne(push: Push, reference: ImageReference & { readonly tag: string }, named: ImageRecord) {
  const { parts, remote, onProgress, signal } = push
  const preparing = [...new Set(named.layers.map(layer => layer.diffId))].reverse()
  for (const diffId of preparing) onProgress({ status: 'Preparing', progressDetail: {}, id: shortDigest(diffId) })
  const image = await packLayers(parts, named, signal)
  const manifest = await parts.blobs.read(image.manifest.digest)
  const config: Descriptor = { digest: image.id, size: (await parts.blobs.sizeOf(image.id)) ?? 0, mediaType: '' }
  const layers = [...new Map(image.layers.map(layer => [layer.digest, layer])).values()].reverse()
  await mapParallel(layers, parts.atOnce.uploads, layer =>
    pushBlob(push, layer, { id: shortDigest(layer.diffId), onProgress }),
  )
  await pushBlob(push, config, { id: shortDigest(config.digest), onProgress: () => {} })
  await remote.putManifest(reference.tag, manifest, image.manifest.mediaType)
  const { registry, repository, tag } = reference
  const { digest } = image.manifest
  const pushed = formatImageReference({ registry, repository, digest })
  await parts.catalog.changeNames(names => void names.set(pushed, image.id))
  onProgress({ status: `${tag}: digest: ${digest} size: ${manifest.length}` })
  onProgress({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: manifest.length } })
}

async function requireBlobs(parts: StoreParts, image: ImageRecord): Promise<void> {
  for (const { digest } of image.layers) {
    if (!(await hasLayerBlob(parts, digest))) {
      throw notFound('NO_SUCH_BLOB', `The layer ${digest} is not in the store: pull the image again before pushing it`)
    }
  }
}

async function pushBlob(
  { parts, remote, signal }: Push,
  blob: Descriptor,
  { id, onProgress }: { readonly id: string; readonly onProgress: OnProgress },
): Promise<void> {
  const send = async (): Promise<void> => {
    if (await remote.hasBlob(blob.digest)) {
      return onProgress({ status: 'Layer already exists', progressDetail: {}, id })
    }
    const meter = transferMeter('Pushing', { digest: id, total: blob.size }, { onProgress, clock: parts.clock })
    await remote.putBlob(blob, () => {
      const counted = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          meter(chunk.length)
          done(undefined, chunk)
        },
      })
      const source = parts.blobs.stream(blob.digest)
      source.on('error', error => counted.destroy(error))
      counted.on('close', () => source.destroy())
      return source.pipe(counted)
    })
    onProgress({ status: 'Pushed', progressDetail: {}, id })
  }
  const patience = tellingPatience(id, onProgress)
  await parts.leases.hold([blob.digest], () => retry(send, patience, { clock: parts.clock, signal }))
}
