import type { Readable } from 'node:stream'
import { failed, invalidInput } from '../../../core/errors.ts'
import { parseImageReference } from '../../../core/image-reference.ts'
import type { ImportOptions } from '../../../docker-api/index.ts'
import { createImage } from '../author.ts'
import type { ImageStorePorts, LayerRef } from '../contract.ts'
import { hostPlatform, parsePlatform } from '../format/platform.ts'
import { keepLayer } from '../keep-layer.ts'
import { HttpClient, readBody } from '../registry/http.ts'
import type { TrustStore } from '../registry/trust-store.ts'
import { tagName } from '../store/image-catalog.ts'
import type { StoreParts } from '../store/store-parts.ts'
import { uncompressed } from '../tar/unpack.ts'
import { LAYER_LIMITS } from '../tar/unpack-error.ts'
import { transferMeter } from '../transfer/progress.ts'

export interface Importing extends ImportOptions {
  readonly trust: TrustStore
  readonly applyChanges: NonNullable<ImageStorePorts['applyChanges']>
  readonly signal: AbortSignal
}

/**
 * Makes an image of one layer out of a tar of a root file system, or of the one behind a URL. Throws 400 for a bad name,
 * change or archive.
 */
export async function importImage(parts: StoreParts, source: Readable | URL, options: Importing): Promise<string> {
  const { name, message = '', changes = [], platform, applyChanges } = options
  const names = name === undefined ? [] : [importedName(name)]
  const wanted = platform === undefined ? hostPlatform() : parsePlatform(platform)
  if (wanted.os !== 'linux' || wanted.architecture !== hostPlatform().architecture) {
    throw invalidInput(
      'BAD_PLATFORM',
      `Cannot import for the platform ${platform}: this host runs ${hostPlatform().os}/${hostPlatform().architecture}`,
    )
  }
  const config = applyChanges({}, changes)
  const createdMs = parts.clock.nowMs()
  const created = new Date(createdMs).toISOString()
  const layer = await importLayer(parts, source, options)
  const history = [{ created, comment: message === '' ? 'Imported from -' : message }]
  return createImage(parts, { layers: [layer], config, history, createdMs, tags: names })
}

function importedName(text: string): string {
  const reference = parseImageReference(text)
  if (reference.digest === undefined) return tagName(reference)
  throw invalidInput('BAD_IMAGE_NAME', `cannot import digest reference: give "${text}" a tag instead`)
}

async function importLayer(
  parts: StoreParts,
  source: Readable | URL,
  { trust, signal, onProgress = () => {} }: Importing,
): Promise<LayerRef> {
  const limits = LAYER_LIMITS
  if (!(source instanceof URL)) return keepLayer(parts, uncompressed(source, { limits, signal }), signal)
  const context = source.protocol === 'https:' ? await trust.contextFor(source.host) : undefined
  using http = new HttpClient({ anyCertificate: false, context }, parts.clock)
  onProgress({ status: `Downloading from ${source.href}` })
  const response = await http.send({ method: 'GET', url: source.href, signal })
  if (response.status !== 200) {
    await readBody(response)
    throw failed(
      'DOWNLOAD_FAILED',
      `Cannot import from ${source.href}: it answers ${response.status}; check the address`,
    )
  }
  const total = Number(response.headers['content-length'] ?? 0)
  const onRead = transferMeter('Importing', { digest: '', total }, { onProgress, clock: parts.clock })
  return await keepLayer(parts, uncompressed(response.body, { limits, signal, onRead }), signal)
}
