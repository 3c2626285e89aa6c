import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** How a layer is served: with other bytes, or broken off in the middle. */
export type Lie = 'bytes' | 'cut'

/** A registry of images made in memory, which can be told to lie about them. */
export class LyingRegistry {
  readonly #answers = new Map<string, { readonly body: Buffer; readonly type: string; readonly cutAfter?: number }>()
  readonly #server: Server = createServer((request, response) => this.#answer(request, response))
  #host = ''

  async listen(host: string, port: number): Promise<void> {
    this.#host = `${host}:${port}`
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(port, host, resolve))
  }

  /** Serves an image of one layer, an uncompressed tar; resolves with its reference. */
  publish(repository: string, layer: Buffer, { lie }: { readonly lie?: Lie } = {}): string {
    const packed = gzipSync(layer, { level: 1 })
    const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
    const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] }
    const config = json({ ...platform, config: { Cmd: ['/bin/sleep', '9999'] }, rootfs })
    const configType = 'application/vnd.oci.image.config.v1+json'
    const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'
    const manifest = json({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: configType, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: layerType, digest: digestOf(packed), size: packed.length }],
    })
    const blobs = `/v2/${repository}/blobs`
    const body = lie === 'bytes' ? gzipSync(Buffer.alloc(64)) : packed
    const served = { body: Buffer.concat([body], packed.length), type: 'application/octet-stream' }
    this.#answers.set(`${blobs}/${digestOf(config)}`, { body: config, type: 'application/octet-stream' })
    this.#answers.set(`${blobs}/${digestOf(packed)}`, lie === 'cut' ? { ...served, cutAfter: 1_000 } : served)
    for (const name of ['1', digestOf(manifest)]) {
      this.#answers.set(`/v2/${repository}/manifests/${name}`, { body: manifest, type: MANIFEST })
    }
    return `${this.#host}/${repository}:1`
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise(resolve => void this.#server.close(() => resolve()))
  }

  #answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    if (url === '/v2/') return void response.end('{}')
    const answer = this.#answers.get(url)
    if (answer === undefined) {
      response.statusCode = 404
      return void response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
    }
    const { body, type, cutAfter } = answer
    response.setHeader('content-type', type)
    response.setHeader('content-length', body.length)
    if (cutAfter === undefined) return void response.end(body)
    response.write(body.subarray(0, cutAfter))
    response.socket?.destroySoon()
  }
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
