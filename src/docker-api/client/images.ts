import type { Readable } from 'node:stream'
import { parseImageReference } from '../../core/image-reference.ts'
import type { BuildOptions, ImageOperations } from '../engine.ts'
import type { ImageInspect, ImageSummary, ProgressMessage, RegistryAuth } from '../resource-types.ts'
import { filterQuery } from './containers.ts'
import { readProgress } from './streams.ts'
import type { Transport } from './transport.ts'

/** Pulls, pushes, loads and builds may be silent for long before the first byte. */
const TRANSFER_MS_MAX = 600_000

function authHeader(auth: RegistryAuth | undefined): Readonly<Record<string, string>> {
  return auth === undefined ? {} : { 'x-registry-auth': Buffer.from(JSON.stringify(auth)).toString('base64url') }
}

function splitTag(reference: string): { repo: string; tag: string } {
  const { tag, digest } = parseImageReference(reference)
  const suffix = digest ?? tag
  return { repo: suffix === undefined ? reference : reference.slice(0, -suffix.length - 1), tag: suffix ?? 'latest' }
}

export function imageOperations(transport: Transport): ImageOperations {
  const at = (reference: string, verb = ''): string =>
    `/images/${reference.split('/').map(encodeURIComponent).join('/')}${verb}`
  const inspect = async (reference: string): Promise<ImageInspect> =>
    (await transport.json({ method: 'GET', path: at(reference, '/json') })) as ImageInspect
  return {
    async pull(reference, { auth, onProgress }, signal) {
      const { repo, tag } = splitTag(reference)
      const query = { fromImage: repo, tag }
      const call = {
        method: 'POST',
        path: '/images/create',
        query,
        headers: authHeader(auth),
        signal,
        responseMs: TRANSFER_MS_MAX,
      }
      await readProgress(await transport.send(call), onProgress)
      return (await inspect(reference)).Id
    },
    async push(reference, { auth, onProgress }, signal) {
      const { repo, tag } = splitTag(reference)
      const headers = { 'x-registry-auth': 'e30', ...authHeader(auth) }
      const call = {
        method: 'POST',
        path: at(repo, '/push'),
        query: { tag },
        headers,
        signal,
        responseMs: TRANSFER_MS_MAX,
      }
      await readProgress(await transport.send(call), onProgress)
    },
    list: async ({ filters }) =>
      (await transport.json({
        method: 'GET',
        path: '/images/json',
        query: { filters: filterQuery(filters) },
      })) as ImageSummary[],
    inspect,
    async tag(reference, target) {
      const { repo, tag } = splitTag(target)
      const response = await transport.send({ method: 'POST', path: at(reference, '/tag'), query: { repo, tag } })
      response.resume()
    },
    remove: async (reference, { force }) =>
      (await transport.json({ method: 'DELETE', path: at(reference), query: { force } })) as {
        Untagged?: string
        Deleted?: string
      }[],
    save: references => {
      const names = references.map(reference => `names=${encodeURIComponent(reference)}`).join('&')
      return transport.send({ method: 'GET', path: `/images/get?${names}`, responseMs: TRANSFER_MS_MAX })
    },
    async load(archive, signal) {
      const call = {
        method: 'POST',
        path: '/images/load',
        body: archive,
        contentType: 'application/x-tar',
        signal,
        responseMs: TRANSFER_MS_MAX,
      }
      const messages = await readProgress(await transport.send(call))
      return messages.flatMap(({ stream }) => /^Loaded image(?: ID)?: (\S+)/.exec(stream ?? '')?.[1] ?? [])
    },
    build: (context, options, onProgress, signal) => build(transport, { context, options, onProgress, signal }),
  }
}

interface BuildCall {
  readonly context: Readable
  readonly options: BuildOptions
  readonly onProgress: (message: ProgressMessage) => void
  readonly signal: AbortSignal
}

async function build(transport: Transport, { context, options, onProgress, signal }: BuildCall): Promise<string> {
  const query = new URLSearchParams(options.tags.map(tag => ['t', tag]))
  query.set('dockerfile', options.dockerfile)
  query.set('buildargs', JSON.stringify(options.buildArgs))
  query.set('labels', JSON.stringify(options.labels))
  if (options.target !== undefined) query.set('target', options.target)
  if (options.noCache) query.set('nocache', '1')
  if (options.pull) query.set('pull', '1')
  const path = `/build?${query.toString()}`
  const call = {
    method: 'POST',
    path,
    body: context,
    contentType: 'application/x-tar',
    signal,
    responseMs: TRANSFER_MS_MAX,
  }
  const messages = await readProgress(await transport.send(call), onProgress)
  return builtId(messages) ?? ''
}

/** The id of the built image: the whole one in `aux`, or the beginning of it in an old builder's last words. */
function builtId(messages: readonly ProgressMessage[]): string | undefined {
  const whole = messages.map(({ aux }) => aux?.['ID']).findLast(id => typeof id === 'string')
  if (typeof whole === 'string') return whole
  return messages
    .map(({ stream }) => /^Successfully built (\S+)/.exec(stream ?? '')?.[1])
    .findLast(id => id !== undefined)
}
