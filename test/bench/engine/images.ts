import { createHash, randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { contextTar } from '../../support/busybox-image.ts'
import { type BenchClient, IMAGE, milliseconds, times } from './client.ts'

const LAYERS = 10
const LAYER_BYTES = 20_000_000
const PULLS = 3
const BUILDS = 3

export interface Images {
  /** Milliseconds of each. */
  readonly pulls: readonly number[]
  readonly cold: readonly number[]
  readonly cached: readonly number[]
}

/** `large` is an image of 200 MB at a registry. */
export async function measureImages(client: BenchClient, large: string): Promise<Images> {
  const [name = '', tag = ''] = large.split(/:(?=[^:/]*$)/)
  const pulls = await times(PULLS, 1, async () => {
    const took = await milliseconds(() => client.call('POST', `/images/create?fromImage=${name}&tag=${tag}`))
    await client.call('DELETE', `/images/${large}`)
    return took
  })
  const context = await contextTar({ Dockerfile: dockerfile(), extra: 'extra\n' })
  const build = (query: string) => () =>
    milliseconds(() => client.call('POST', `/build?t=bench-built:1&${query}`, context))
  const cold = await times(BUILDS, 1, build('nocache=1'))
  const cached = await times(BUILDS, 1, build(''))
  return { pulls, cold, cached }
}

/** Ten steps: five that run something, two that copy, three that set something. */
function dockerfile(): string {
  const runs = [1, 2, 3, 4, 5].map(step => `RUN echo ${step} > /step-${step}`)
  return [`FROM ${IMAGE}`, ...runs, 'COPY extra /one', 'COPY extra /two', 'ENV A=b', 'CMD ["true"]', ''].join('\n')
}

/** Layers of random bytes, which no compression makes smaller, as a docker-archive. */
export async function largeArchive(): Promise<Buffer> {
  const archive = pack()
  const layers = await Promise.all(Array.from({ length: LAYERS }, (_, index) => layerOf(index)))
  const digests = layers.map(layer => createHash('sha256').update(layer).digest('hex'))
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: ['true'] },
    rootfs: { type: 'layers', diff_ids: digests.map(digest => `sha256:${digest}`) },
  })
  archive.entry({ name: 'config.json' }, config)
  for (const [index, layer] of layers.entries()) archive.entry({ name: `${index}.tar` }, layer)
  const names = layers.map((_, index) => `${index}.tar`)
  archive.entry(
    { name: 'manifest.json' },
    JSON.stringify([{ Config: 'config.json', RepoTags: ['large:1'], Layers: names }]),
  )
  archive.finalize()
  return buffer(archive)
}

async function layerOf(index: number): Promise<Buffer> {
  const archive = pack()
  archive.entry({ name: `layer-${index}`, mode: 0o644, mtime: new Date(0) }, randomBytes(LAYER_BYTES))
  archive.finalize()
  return buffer(archive)
}
