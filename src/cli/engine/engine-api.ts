import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorCode, ShoalError, unavailable } from '../../core/errors.ts'
import type { Call, Transport } from '../../docker-api/index.ts'
import type { CommandContext, Invocation, RunCommand } from '../command.ts'
import { engineHost } from './engine-address.ts'
import { openClient } from './open-client.ts'
import type { Wanted } from './ssh/tunnels-port.ts'
import { isDenied } from './who-listens.ts'

type Asked = Omit<Call, 'method' | 'path'>

/** The engine that a command talks to. */
export interface EngineApi {
  /** A call that answers JSON. The path is joined with `pathOf`. */
  readonly ask: <T>(method: string, path: string, asked?: Asked) => Promise<T>
  /** The answer's text as it came. */
  readonly text: (path: string, asked?: Asked) => Promise<string>
  /** The answer as a stream, which may begin late. */
  readonly stream: (method: string, path: string, asked?: Asked) => Promise<IncomingMessage>
  /** The bytes both ways that follow a POST. */
  readonly upgrade: (path: string, asked?: Asked) => Promise<Duplex>
}

export interface EngineCommand extends Invocation {
  readonly api: EngineApi
  readonly context: CommandContext
}

/** What engines need for sizes, removals of many layers and slow disks. */
const PATIENCE_MS = 600_000

/** Whom a command talks to. */
export interface Target {
  readonly hostOf: (invocation: Invocation, context: CommandContext) => Promise<string>
  readonly wanted: Wanted
}

const ENGINE: Target = { hostOf: engineHost, wanted: 'engine' }

/** Makes a command of what is done with an engine: connects, tells refusals as docker does, and closes. */
export function withEngine(
  work: (command: EngineCommand) => Promise<number | void>,
  { hostOf, wanted }: Target = ENGINE,
): RunCommand {
  return async (invocation, context) => {
    const host = await hostOf(invocation, context)
    const client = openClient({ address: host, wanted }, invocation, context)
    // What still waits for an answer when the work is done must not keep us alive.
    const ending = new AbortController()
    const signal = AbortSignal.any([context.signal, ending.signal])
    try {
      return await work({ ...invocation, api: engineApi(client.transport, signal), context })
    } catch (error) {
      throw explained(error, host)
    } finally {
      ending.abort()
      client.close()
    }
  }
}

function engineApi(transport: Transport, signal: AbortSignal): EngineApi {
  const bounded = (method: string, path: string, asked: Asked = {}): Call => ({
    signal,
    responseMs: PATIENCE_MS,
    ...asked,
    method,
    path,
  })
  return {
    ask: async <T>(method: string, path: string, asked?: Asked) =>
      (await transport.json(bounded(method, path, asked))) as T,
    async text(path, asked) {
      const chunks: Buffer[] = []
      for await (const chunk of await transport.send(bounded('GET', path, asked))) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks).toString()
    },
    stream: (method, path, asked) =>
      transport.send(bounded(method, path, { responseMs: Number.POSITIVE_INFINITY, ...asked })),
    upgrade: async (path, asked) => (await transport.upgrade({ signal, ...asked, method: 'POST', path })).stream,
  }
}

/** `['containers', 'a/b', 'json']` as a path. */
export function pathOf(...parts: readonly string[]): string {
  return parts.map(part => `/${encodeURIComponent(part)}`).join('')
}

/** A refusal of the engine in docker's words; an engine that is not there with what to do about it. */
export function explained(error: unknown, host: string): unknown {
  if (!(error instanceof ShoalError)) return error
  if (errorCode(error) === 'ENGINE_UNAVAILABLE') {
    const advice = isDenied(error)
      ? 'Be root there (sudo), or in the group of the socket, or name another with -H or DOCKER_HOST'
      : 'Is an engine running there? Start one with "shoal engine", or name another with -H or DOCKER_HOST'
    return unavailable('ENGINE_UNAVAILABLE', `${error.message}. ${advice}`)
  }
  if (error.details['answered'] !== true) return error
  return new ShoalError('ENGINE_REFUSED', error.status, `Error response from daemon: ${error.message}`, {
    details: { ...error.details, host },
  })
}
