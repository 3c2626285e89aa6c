import type { Readable } from 'node:stream'
import { splitReference } from '../../core/image-reference.ts'
import type { BuildCachePruned, ImageOperations } from '../engine.ts'
import type { ImageHistoryEntry, ImageRemoval, ImagesPruned, ImportOptions } from '../image-types.ts'
import type { ImageInspect, ImageSummary } from '../resource-types.ts'
import { buildImage } from './build.ts'
import { authHeader, filterQuery, platformQuery } from './query.ts'
import { imagePath, registryOperations } from './registry.ts'
import { readProgress } from './streams.ts'
import type { Transport } from './transport.ts'

/** Pulls, pushes, loads and builds may be silent for long before the first byte. */
const TRANSFER_MS_MAX = 600_000

function splitTag(reference: string): { readonly repo: string; readonly tag: string } {
  const { name, tag = 'latest' } = splitReference(reference)
  return { repo: name, tag }
}

export function imageOperations(transport: Transport): ImageOperations {
  const inspect = async (reference: string): Promise<ImageInspect> =>
    (await transport.json({ method: 'GET', path: imagePath(reference, '/json') })) as ImageInspect
  return {
    ...registryOperations(transport),
    async pull(reference, { auth, onProgress, platform }, signal) {
      const { repo, tag } = splitTag(reference)
      const query = { fromImage: repo, tag, platform }
      const call = { method: 'POST', path: '/images/create', query, headers: authHeader(auth), ...patiently(signal) }
      await readProgress(await transport.send(call), onProgress)
      return (await inspect(reference)).Id
    },
    async push(reference, { auth, onProgress, platform }, signal) {
      const { repo, tag } = splitTag(reference)
      const headers = { 'x-registry-auth': 'e30', ...authHeader(auth) }
      const query = { tag, platform: platformQuery(platform) }
      const call = { method: 'POST', path: imagePath(repo, '/push'), query, headers, ...patiently(signal) }
      await readProgress(await transport.send(call), onProgress)
    },
    list: async ({ filters, sharedSize, all }) => {
      const query = { filters: filterQuery(filters), 'shared-size': sharedSize, all }
      return (await transport.json({ method: 'GET', path: '/images/json', query, isList: true })) as ImageSummary[]
    },
    inspect,
    history: async reference =>
      (await transport.json({ method: 'GET', path: imagePath(reference, '/history') })) as ImageHistoryEntry[],
    async tag(reference, target) {
      const { repo, tag } = splitTag(target)
      const response = await transport.send({
        method: 'POST',
        path: imagePath(reference, '/tag'),
        query: { repo, tag },
      })
      response.resume()
    },
    remove: async (reference, { force, noprune }) => {
      const call = { method: 'DELETE', path: imagePath(reference), query: { force, noprune } }
      return (await transport.json(call)) as ImageRemoval[]
    },
    prune: async ({ filters }) => {
      const call = { method: 'POST', path: '/images/prune', query: { filters: filterQuery(filters) } }
      return (await transport.json({ ...call, responseMs: TRANSFER_MS_MAX })) as ImagesPruned
    },
    save: references => {
      const names = references.map(reference => `names=${encodeURIComponent(reference)}`).join('&')
      return transport.send({ method: 'GET', path: `/images/get?${names}`, responseMs: TRANSFER_MS_MAX })
    },
    async load(archive, signal, { onProgress } = {}) {
      const query = { quiet: onProgress === undefined }
      const call = { method: 'POST', path: '/images/load', query, ...tarBody(archive), ...patiently(signal) }
      const loaded: string[] = []
      await readProgress(await transport.send(call), message => {
        onProgress?.(message)
        const name = /^Loaded image(?: ID)?: (\S+)/.exec(message.stream ?? '')?.[1]
        if (name !== undefined) loaded.push(name)
      })
      return loaded
    },
    import: (source, options, signal) => importImage(transport, source, { ...options, signal }),
    build: (context, options, onProgress, signal) => buildImage(transport, { context, options, onProgress, signal }),
    pruneBuildCache: async ({ all, keepBytes, filters }) =>
      (await transport.json({
        method: 'POST',
        path: '/build/prune',
        query: { all, 'keep-storage': keepBytes, filters: filterQuery(filters) },
        responseMs: TRANSFER_MS_MAX,
      })) as BuildCachePruned,
  }
}

function tarBody(body: Readable) {
  return { body, contentType: 'application/x-tar' }
}

function patiently(signal: AbortSignal) {
  return { signal, responseMs: TRANSFER_MS_MAX }
}

async function importImage(
  transport: Transport,
  source: Readable | URL,
  { name, message, changes = [], platform, onProgress, signal }: ImportOptions & { readonly signal: AbortSignal },
): Promise<string> {
  const target = name === undefined ? undefined : splitTag(name)
  const query = new URLSearchParams([
    ['fromSrc', source instanceof URL ? source.href : '-'],
    ...changes.map(change => ['changes', change]),
  ])
  for (const [key, value] of Object.entries({ ...target, message, platform })) {
    if (value !== undefined) query.set(key, value)
  }
  const path = `/images/create?${query.toString()}`
  const body = source instanceof URL ? {} : tarBody(source)
  const response = await transport.send({ method: 'POST', path, ...body, ...patiently(signal) })
  let id = ''
  await readProgress(response, said => {
    if (said.status?.startsWith('sha256:') === true) id = said.status
    else onProgress?.(said)
  })
  return id
}
