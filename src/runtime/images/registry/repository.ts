import type { Readable } from 'node:stream'
import { sha256Digest } from '../../../core/digest.ts'
import { failed, unavailable } from '../../../core/errors.ts'
import type { ImageReference } from '../../../core/image-reference.ts'
import { type Descriptor, MANIFEST_TYPES } from '../format/manifest.ts'
import { type BlobSource, wrongDigest } from '../store/blob-store.ts'
import { type Asked, registryError } from './errors.ts'
import { readBody, unreachableError } from './http.ts'
import { readPages } from './pages.ts'
import type { RegistrySession } from './session.ts'

/** Nobody wants more of them at once. */
const TAGS_MAX = 10_000
/** Manifests are small: a registry that takes longer will not finish. */
const ANSWER_TIMEOUT_MS = 60_000
const TAG = /^\w[\w.-]{0,127}$/

export interface FetchedManifest extends Descriptor {
  readonly bytes: Buffer
}

/** The calls of the OCI distribution specification on one repository. */
export class Repository {
  readonly #session: RegistrySession
  readonly #path: string
  readonly #asked: Omit<Asked, 'what'>

  /** `name` is what the user called it, for messages. */
  constructor(
    session: RegistrySession,
    {
      reference,
      name,
      action,
    }: { readonly reference: ImageReference; readonly name: string; readonly action: 'pull' | 'push' },
  ) {
    this.#session = session
    this.#path = reference.repository
    this.#asked = { name, action, host: session.endpoint.host }
  }

  /** A manifest by tag or digest; its bytes are checked against the digest that was asked for, or that was announced. */
  async manifest(reference: string): Promise<FetchedManifest> {
    const response = await this.#session.send({
      method: 'GET',
      path: `${this.#path}/manifests/${reference}`,
      headers: { accept: MANIFEST_TYPES.join(', ') },
      deadlineMs: ANSWER_TIMEOUT_MS,
    })
    if (response.status !== 200) throw await registryError(response, { ...this.#asked, what: 'manifest' })
    const bytes = await readBody(response)
    const digest = sha256Digest(bytes)
    const announced = response.headers['docker-content-digest']
    const expected = reference.startsWith('sha256:') ? reference : typeof announced === 'string' ? announced : digest
    if (expected !== digest) throw wrongDigest(expected, `the manifest has the digest ${digest}`)
    return { bytes, digest, size: bytes.length, mediaType: response.headers['content-type'] ?? '' }
  }

  /** Reads a blob from a byte on, where the registry can do that. */
  blobSource(digest: string): BlobSource {
    return async from => {
      const response = await this.#session.send({
        method: 'GET',
        path: `${this.#path}/blobs/${digest}`,
        headers: from > 0 ? { range: `bytes=${from}-` } : {},
      })
      if (response.status === 206) {
        const start = Number(/^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1])
        if (start === from) return { startsAt: from, chunks: chunksOf(response.body, response.url) }
        response.body.destroy()
        throw unavailable(
          'REGISTRY_RANGE',
          `The registry ${this.#asked.host} answers with another range than asked for`,
        )
      }
      if (response.status === 200) return { startsAt: 0, chunks: chunksOf(response.body, response.url) }
      // The range begins where the blob ends: what is there already may be all, or wrong. Start again.
      if (response.status === 416 && from > 0) {
        await readBody(response)
        return this.blobSource(digest)(0)
      }
      throw await registryError(response, { ...this.#asked, what: 'blob' })
    }
  }

  /** Reads a small blob whole, checked. */
  async smallBlob({ digest, size }: Descriptor, bytesMax: number): Promise<Buffer> {
    const { chunks } = await this.blobSource(digest)(0)
    const parts: Buffer[] = []
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > Math.min(size, bytesMax)) throw wrongDigest(digest, `more than its ${size} bytes came`)
      parts.push(chunk)
    }
    const content = Buffer.concat(parts)
    const found = sha256Digest(content)
    if (found !== digest) throw wrongDigest(digest, `the content has the digest ${found}`)
    return content
  }

  /** All tags, page by page, up to {@link TAGS_MAX}. */
  async tags(): Promise<readonly string[]> {
    const pages = readPages(this.#session, `${this.#path}/tags/list?n=1000`, response =>
      registryError(response, { ...this.#asked, what: 'manifest' }),
    )
    const tags: string[] = []
    for await (const page of pages) {
      const { tags: found } = page as { tags?: unknown }
      if (Array.isArray(found)) tags.push(...found.filter(tag => typeof tag === 'string' && TAG.test(tag)).map(String))
      if (tags.length > TAGS_MAX) break
    }
    return tags.slice(0, TAGS_MAX)
  }

  async hasBlob(digest: string): Promise<boolean> {
    const response = await this.#session.send({ method: 'HEAD', path: `${this.#path}/blobs/${digest}` })
    await readBody(response)
    return response.status === 200
  }

  /** Uploads a blob in one piece. */
  async putBlob(
    { digest, size }: { readonly digest: string; readonly size: number },
    open: () => Readable,
  ): Promise<void> {
    const started = await this.#session.send({
      method: 'POST',
      path: `${this.#path}/blobs/uploads/`,
      headers: { 'content-length': '0' },
    })
    if (started.status !== 202) throw await registryError(started, { ...this.#asked, what: 'blob' })
    await readBody(started)
    const target = URL.parse(started.headers.location ?? '', started.url)
    if (target === null || !target.protocol.startsWith('http')) {
      throw failed('REGISTRY_ANSWER', `The registry ${this.#asked.host} says no place to upload to: look into its log`)
    }
    target.searchParams.set('digest', digest)
    const done = await this.#session.send({
      method: 'PUT',
      path: target.href,
      headers: { 'content-type': 'application/octet-stream', 'content-length': `${size}` },
      body: open,
    })
    if (done.status !== 201) throw await registryError(done, { ...this.#asked, what: 'blob' })
    await readBody(done)
  }

  async putManifest(tag: string, bytes: Buffer, mediaType: string): Promise<void> {
    const response = await this.#session.send({
      method: 'PUT',
      path: `${this.#path}/manifests/${tag}`,
      headers: { 'content-type': mediaType },
      body: bytes,
    })
    if (response.status !== 201) throw await registryError(response, { ...this.#asked, what: 'manifest' })
    await readBody(response)
  }
}

async function* chunksOf(body: Readable, url: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) yield chunk as Buffer
  } catch (error) {
    // A connection that broke off is told by its cause; what came of the blob is kept and goes on from there.
    throw unreachableError(url, error)
  }
}
