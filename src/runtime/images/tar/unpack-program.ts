import { createReadStream } from 'node:fs'
import { errorMessage, isTransient, ShoalError } from '../../../core/errors.ts'
import { type Unpacked, unpackArchive } from './unpack.ts'
import type { UnpackLimits } from './unpack-error.ts'

/**
 * A program that unpacks layers beside the engine, as it is told over its channel: making files is most of a pull, and what
 * a stranger packed should not be able to fill the engine's memory or hold it up.
 */

export interface UnpackJob {
  readonly path: string
  readonly directory: string
  readonly limits: UnpackLimits
}

/** What it is told. One job at a time. */
export type UnpackOrder = { readonly kind: 'unpack'; readonly job: UnpackJob } | { readonly kind: 'abort' }

/** What it answers. */
export type UnpackReply =
  | { readonly kind: 'read'; readonly bytes: number }
  | { readonly kind: 'done'; readonly unpacked: Unpacked }
  | { readonly kind: 'failed'; readonly error: ToldError }

/** An error on its way to another process, which classes do not survive. */
export interface ToldError {
  readonly message: string
  readonly code: string
  readonly status: number
  readonly transient: boolean
}

/** Bytes between two reports. */
const REPORT_BYTES = 512 * 1024

async function run(job: UnpackJob, signal: AbortSignal, reply: (message: UnpackReply) => void): Promise<void> {
  let unreported = 0
  const onRead = (bytes: number): void => {
    unreported += bytes
    if (unreported < REPORT_BYTES) return
    reply({ kind: 'read', bytes: unreported })
    unreported = 0
  }
  try {
    const source = createReadStream(job.path, { highWaterMark: 256 * 1024 })
    const unpacked = await unpackArchive(source, job.directory, { limits: job.limits, whiteouts: true, signal, onRead })
    reply({ kind: 'read', bytes: unreported })
    reply({ kind: 'done', unpacked })
  } catch (error) {
    reply({ kind: 'failed', error: told(error) })
  }
}

function told(error: unknown): ToldError {
  const { code, status } = error instanceof ShoalError ? error : { code: 'UNPACK_FAILED', status: 500 }
  return { message: errorMessage(error), code, status, transient: isTransient(error) }
}

function serve(): void {
  let stop = new AbortController()
  process.on('message', (order: UnpackOrder) => {
    if (order.kind === 'abort') return stop.abort()
    stop = new AbortController()
    void run(order.job, stop.signal, message => process.send?.(message))
  })
  // The engine has gone: nobody waits for the rest.
  process.on('disconnect', () => stop.abort())
}

if (process.send !== undefined) serve()
