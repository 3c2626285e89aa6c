import type { IncomingMessage } from 'node:http'
import { failed } from '../../core/errors.ts'
import type { ContainerStats, FilesystemChange, PathStat, PruneReport } from '../container-file-types.ts'
import type { ContainerFileOperations, ContainerOperations } from '../engine.ts'
import { filterQuery } from './query.ts'
import { jsonLines } from './streams.ts'
import type { Transport } from './transport.ts'

/** Archives and images of large containers take their time before the first byte, or until the last one is taken. */
const TRANSFER_MS_MAX = 600_000

const at = (id: string, verb: string): string => `/containers/${encodeURIComponent(id)}${verb}`
const oneIf = (flag: boolean | undefined): number | undefined => (flag === true ? 1 : undefined)

/** What is done with the files of containers behind a transport. */
export function containerFileOperations(transport: Transport): ContainerFileOperations {
  return {
    async statPath(id, path) {
      const response = await transport.send({ method: 'HEAD', path: at(id, '/archive'), query: { path } })
      response.resume()
      return pathStatOf(response)
    },
    async readArchive(id, path) {
      const call = { method: 'GET', path: at(id, '/archive'), query: { path }, responseMs: TRANSFER_MS_MAX }
      const archive = await transport.send(call)
      return { stat: pathStatOf(archive), archive }
    },
    async writeArchive(id, path, { archive, signal, noOverwriteDirNonDir, copyUIDGID }) {
      const response = await transport.send({
        method: 'PUT',
        path: at(id, '/archive'),
        query: { path, noOverwriteDirNonDir: oneIf(noOverwriteDirNonDir), copyUIDGID: oneIf(copyUIDGID) },
        body: archive,
        contentType: 'application/x-tar',
        signal,
        responseMs: TRANSFER_MS_MAX,
      })
      response.resume()
    },
    changes: async id =>
      ((await transport.json({ method: 'GET', path: at(id, '/changes'), isList: true })) as
        | FilesystemChange[]
        | null) ?? [],
    export: id => transport.send({ method: 'GET', path: at(id, '/export'), responseMs: TRANSFER_MS_MAX }),
    async commit(id, { changes = [], config, pause, ...named }) {
      const query = new URLSearchParams(changes.map(change => ['changes', change]))
      for (const [key, value] of Object.entries({ container: id, ...named })) query.set(key, value)
      if (pause !== undefined) query.set('pause', pause ? '1' : '0')
      const answer = await transport.json({
        method: 'POST',
        path: `/commit?${query.toString()}`,
        body: config ?? {},
        responseMs: TRANSFER_MS_MAX,
      })
      return (answer as { Id: string }).Id
    },
  }
}

/** Limits of containers, what they use, and clearing away those that ended. */
export function containerUseOperations(transport: Transport): Pick<ContainerOperations, 'update' | 'prune' | 'stats'> {
  return {
    async update(id, request) {
      const answer = await transport.json({ method: 'POST', path: at(id, '/update'), body: request })
      return { Warnings: (answer as { Warnings?: readonly string[] | null }).Warnings ?? [] }
    },
    prune: async ({ filters }) =>
      (await transport.json({
        method: 'POST',
        path: '/containers/prune',
        query: { filters: filterQuery(filters) },
        responseMs: TRANSFER_MS_MAX,
      })) as PruneReport,
    async *stats(id, { stream, oneShot }, signal) {
      const query = { stream, 'one-shot': oneIf(oneShot) }
      const body = await transport.send({ method: 'GET', path: at(id, '/stats'), query, signal })
      for await (const sample of jsonLines(body)) yield sample as ContainerStats
    },
  }
}

function pathStatOf({ headers }: IncomingMessage): PathStat {
  const header = headers['x-docker-container-path-stat']
  try {
    return JSON.parse(Buffer.from(String(header), 'base64').toString()) as PathStat
  } catch (cause) {
    throw failed('BAD_ANSWER', 'The answer does not say what lies at the path: its stat header is not readable', {
      cause,
    })
  }
}
