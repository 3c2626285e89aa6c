import type { Duplex } from 'node:stream'
import type { AttachedStream, ContainerOperations } from '../engine.ts'
import { beginStream, type HttpReply } from './http-app.ts'
import type { Query } from './request.ts'

const RAW = 'application/vnd.docker.raw-stream'
const MULTIPLEXED = 'application/vnd.docker.multiplexed-stream'

export function streamType({ tty }: { readonly tty: boolean }): string {
  return tty ? RAW : MULTIPLEXED
}

export function attachOptions(query: Query): Parameters<ContainerOperations['attach']>[1] {
  return {
    stdin: query.flag('stdin'),
    stdout: query.flag('stdout'),
    stderr: query.flag('stderr'),
    logs: query.flag('logs'),
    stream: query.flag('stream'),
  }
}

/** Copies both ways. The end of one side is passed on as such; a side that breaks takes the other with it. */
export function joinStreams(client: Duplex, process: Duplex): void {
  client.pipe(process)
  process.pipe(client)
  process.on('error', () => client.destroy())
  client.on('error', () => process.destroy())
  client.on('close', () => process.destroy())
  // What the process had to say is said: the client need not close its own direction first.
  process.on('close', () => client.end())
}

/** Without an upgrade: the answer's body is the output, the request's body is stdin. */
export function answerAttached(attached: AttachedStream, input: NodeJS.ReadableStream, reply: HttpReply): void {
  const body = beginStream(reply, streamType(attached))
  const { stream } = attached
  input.pipe(stream)
  stream.pipe(body)
  stream.on('error', () => body.destroy())
  body.on('close', () => stream.destroy())
}
