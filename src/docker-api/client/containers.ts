import { formatNanoSeconds } from '../../core/nano-time.ts'
import type { ContainerInspect, ContainerSummary, ExecInspect } from '../container-types.ts'
import type {
  AttachedStream,
  AttachOptions,
  ContainerFileOperations,
  ContainerOperations,
  ExecOperations,
  LogOptions,
} from '../engine.ts'
import { DETAILS_QUERY } from '../listed-details.ts'
import { filterQuery } from './query.ts'
import { logChunks } from './streams.ts'
import type { Transport } from './transport.ts'

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.ceil(ms / 1_000))
/** A container's own grace, which the caller does not know, may be minutes. */
const UNKNOWN_GRACE_MS = 10 * 60_000
/** Longer than a stop's own grace by what an engine needs to notice. */
const stopPatience = (ms: number | undefined): number => (ms ?? UNKNOWN_GRACE_MS) + 30_000

/** Operations on containers behind a transport, but those of container-files.ts. */
export function containerOperations(
  transport: Transport,
): Omit<ContainerOperations, keyof ContainerFileOperations | 'update' | 'prune' | 'stats'> {
  const at = (id: string, verb = ''): string => `/containers/${encodeURIComponent(id)}${verb}`
  const post = async (path: string, query = {}, responseMs?: number): Promise<number> => {
    const response = await transport.send({
      method: 'POST',
      path,
      query,
      ...(responseMs === undefined ? {} : { responseMs }),
    })
    response.resume()
    return response.statusCode ?? 0
  }
  return {
    async create(request, { name, platform }) {
      const answer = await transport.json({
        method: 'POST',
        path: '/containers/create',
        query: { name, platform },
        body: request,
      })
      const { Id, Warnings } = answer as { Id: string; Warnings?: readonly string[] | null }
      return { Id, Warnings: Warnings ?? [] }
    },
    list: async ({ all, filters, limit, size, details }) =>
      (await transport.json({
        method: 'GET',
        path: '/containers/json',
        isList: true,
        query: { all, limit, size, filters: filterQuery(filters), [DETAILS_QUERY]: details },
      })) as ContainerSummary[],
    inspect: async (id, { size } = {}) =>
      (await transport.json({ method: 'GET', path: at(id, '/json'), query: { size } })) as ContainerInspect,
    start: async id => (await post(at(id, '/start'))) !== 304,
    stop: async (id, { timeoutMs, signal }) =>
      (await post(at(id, '/stop'), { t: seconds(timeoutMs), signal }, stopPatience(timeoutMs))) !== 304,
    kill: async (id, signal) => void (await post(at(id, '/kill'), { signal })),
    restart: async (id, { timeoutMs, signal }) =>
      void (await post(at(id, '/restart'), { t: seconds(timeoutMs), signal }, stopPatience(timeoutMs))),
    pause: async id => void (await post(at(id, '/pause'))),
    unpause: async id => void (await post(at(id, '/unpause'))),
    rename: async (id, name) => void (await post(at(id, '/rename'), { name })),
    remove: async (id, { force, volumes }) => {
      const query = { force: force === true ? 1 : undefined, v: volumes === true ? 1 : undefined }
      const response = await transport.send({ method: 'DELETE', path: at(id), query })
      response.resume()
    },
    wait: async (id, { condition }, signal) =>
      (await transport.json({
        method: 'POST',
        path: at(id, '/wait'),
        query: { condition },
        signal,
        responseMs: Number.POSITIVE_INFINITY,
      })) as {
        StatusCode: number
      },
    logs: (id, options, signal) => readLogs(transport, at(id), options, signal),
    attach: (id, options) => attach(transport, at(id), options),
    resize: async (id, { height, width }) => void (await post(at(id, '/resize'), { h: height, w: width })),
    top: async (id, { psArgs } = {}) =>
      (await transport.json({ method: 'GET', path: at(id, '/top'), query: { ps_args: psArgs } })) as {
        Titles: readonly string[]
        Processes: readonly string[][]
      },
  }
}

async function attach(transport: Transport, path: string, query: AttachOptions): Promise<AttachedStream> {
  const { Config } = (await transport.json({ method: 'GET', path: `${path}/json` })) as ContainerInspect
  const { stream } = await transport.upgrade({ method: 'POST', path: `${path}/attach`, query: { ...query } })
  return { stream, tty: Config.Tty ?? false }
}

async function* readLogs(transport: Transport, path: string, options: LogOptions, signal: AbortSignal) {
  const { Config } = (await transport.json({ method: 'GET', path: `${path}/json`, signal })) as ContainerInspect
  const { stdout, stderr, follow, tail, sinceNano, untilNano, details } = options
  const query = {
    stdout,
    stderr,
    follow,
    timestamps: true,
    tail,
    since: sinceNano === undefined ? undefined : formatNanoSeconds(sinceNano),
    until: untilNano === undefined ? undefined : formatNanoSeconds(untilNano),
    details,
  }
  const body = await transport.send({ method: 'GET', path: `${path}/logs`, query, signal })
  yield* logChunks(body, { tty: Config.Tty ?? false, details: details === true })
}

export function execOperations(transport: Transport): ExecOperations {
  const at = (id: string, verb: string): string => `/exec/${encodeURIComponent(id)}${verb}`
  return {
    async create(containerId, request) {
      const path = `/containers/${encodeURIComponent(containerId)}/exec`
      return (await transport.json({ method: 'POST', path, body: request })) as { Id: string }
    },
    async start(execId, { detach, tty, size }) {
      const body = {
        Detach: detach,
        Tty: tty,
        ...(size === undefined ? {} : { ConsoleSize: [size.height, size.width] }),
      }
      const call = { method: 'POST', path: at(execId, '/start'), body }
      if (!detach) return { stream: (await transport.upgrade(call)).stream, tty }
      await transport.json(call)
      return undefined
    },
    inspect: async id => (await transport.json({ method: 'GET', path: at(id, '/json') })) as ExecInspect,
    async resize(id, { height, width }) {
      const response = await transport.send({ method: 'POST', path: at(id, '/resize'), query: { h: height, w: width } })
      response.resume()
    },
  }
}
