import type { Duplex } from 'node:stream'
import { type EngineApi, pathOf } from '../../engine/engine-api.ts'

export interface AttachOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly detachKeys: string | undefined
}

/** The streams of a container, from now on; it need not run yet. */
export function openAttached(api: EngineApi, id: string, options: AttachOptions): Promise<Duplex> {
  const { stdin, stdout, stderr, detachKeys } = options
  const query = {
    stream: 1,
    stdin: stdin ? 1 : undefined,
    stdout: stdout ? 1 : undefined,
    stderr: stderr ? 1 : undefined,
    detachKeys,
  }
  return api.upgrade(pathOf('containers', id, 'attach'), { query })
}
