import type { Duplex } from 'node:stream'
import { type EngineApi, pathOf } from '../../engine/engine-api.ts'

export interface AttachOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly detachKeys: string | undefined
}

/** The streams of a container, from now on; it need not run yet. */
export async function openAttached(api: EngineApi, id: string, options: AttachOptions): Promise<Duplex> {
  const { stdin, stdout, stderr, detachKeys } = options
  const query = {
    stream: 1,
    stdin: stdin ? 1 : undefined,
    stdout: stdout ? 1 : undefined,
    stderr: stderr ? 1 : undefined,
    detachKeys,
  }
  const path = pathOf('containers', id, 'attach')
  return (await api.client.transport.upgrade({ method: 'POST', path, query })).stream
}
