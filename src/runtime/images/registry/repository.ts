import type { Readable } from 'node:stream'
import { sha256Digest } from '../../../core/digest.ts'
import { unavailable } from '../../../core/errors.ts'
import { type Descriptor, MANIFEST_TYPES } from '../manifest.ts'
import { type BlobSource, wrongDigest } from '../store/blob-store.ts'
import { type Asked, registryError } from './errors.ts'
import { readBody, unreachableError } from './http.ts'
import type { RegistrySession } from './session.ts'

export interface FetchedManifest extends Descriptor {
  readonly bytes: Buffer
}

/** The calls of the OCI distribution specification on one repository. */
export class Repository {
  readonly #session: RegistrySession
  readonly #asked: Omit<Asked, 'what'>

  constructor(session: RegistrySession, name: string, action: 'pull' | 'push') {
    this.#session = session
    this.#asked = { name, action, host: session.endpoint.host }
  }

  /** A manifest by tag or digest; its bytes are checked against the digest that was asked for, or that was announced. */
  async manifest(reference: string): Promise<FetchedManifest> {
    const response = await this.#session.send({
      method: 'GET',
      path: `manifests/${reference}`,
      headers: { accept: MANIFEST_TYPES.join(', ') },
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
        path: `blobs/${digest}`,
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

  async hasBlob(digest: string): Promise<boolean> {
    const response = await this.#session.send({ method: 'HEAD', path: `blobs/${digest}` })
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
      path: 'blobs/uploads/',
      headers: { 'content-length': '0' },
    })
    if (started.status !== 202) throw await registryError(started, { ...this.#asked, what: 'blob' })
    await readBody(started)
    const target = new URL(started.headers.location ?? '', started.url)
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
      path: `manifests/${tag}`,
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
