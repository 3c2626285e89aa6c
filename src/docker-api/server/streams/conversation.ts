import type { Duplex } from 'node:stream'
import { isBefore } from '../../api-version.ts'
import type { AttachOptions } from '../../engine.ts'
import type { Query } from '../request.ts'

const RAW = 'application/vnd.docker.raw-stream'
const MULTIPLEXED = 'application/vnd.docker.multiplexed-stream'

/** Frames have a name of their own only since API 1.42. */
export function streamType({ tty }: { readonly tty: boolean }, version: string): string {
  return tty || isBefore(version, '1.42') ? RAW : MULTIPLEXED
}

export function attachOptions(query: Query): AttachOptions {
  const detachKeys = query.text('detachKeys')
  return {
    stdin: query.flag('stdin'),
    stdout: query.flag('stdout'),
    stderr: query.flag('stderr'),
    logs: query.flag('logs'),
    stream: query.flag('stream'),
    ...(detachKeys === undefined ? {} : { detachKeys }),
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

/** Without taking over the connection: the answer's body is the output, the request's body is stdin. */
export function joinBodies(body: NodeJS.WritableStream, input: NodeJS.ReadableStream, stream: Duplex): void {
  input.pipe(stream)
  stream.pipe(body)
  body.on('close', () => stream.destroy())
}
