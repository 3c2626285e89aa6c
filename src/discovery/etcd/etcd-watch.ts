import { type Clock, sleep } from '../../core/clock.ts'
import { isTransient } from '../../core/errors.ts'
import { backoff } from '../../core/retry.ts'
import type { WatchBatch } from '../store.ts'
import { compacted, storeUnavailable } from '../store-error.ts'
import { prefixEnd, readBatch } from './etcd-codec.ts'
import type { EtcdWire, WatchResponse } from './etcd-wire.ts'

export interface EtcdWatchOptions {
  readonly prefix: string
  readonly fromRevision: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

const waitAfter = backoff(100, 2_000)

/** One logical watch over as many streams as it takes: each new stream begins behind the last revision delivered. */
export async function* watchEtcd(wire: EtcdWire, options: EtcdWatchOptions): AsyncGenerator<WatchBatch> {
  const { prefix, clock, signal } = options
  const key = Buffer.from(prefix)
  let next = options.fromRevision
  let clusterId: string | undefined
  let failures = 0
  while (!signal.aborted) {
    try {
      const request = { key, range_end: prefixEnd(prefix), start_revision: next }
      for await (const response of wire.watch(request, signal)) {
        failures = 0
        if (response.canceled) throw refusal(response, prefix, next)
        checkNotRewound(response, { prefix, next, clusterId })
        clusterId = response.header.cluster_id
        const batch = readBatch(response)
        if (batch === undefined) continue
        next = batch.revision + 1
        yield batch
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isTransient(error)) throw error
      failures++
    }
    await sleep(clock, waitAfter(Math.max(1, failures)), signal).catch(() => {})
  }
}

interface Position {
  readonly prefix: string
  readonly next: number
  /** The cluster that this watch began with. */
  readonly clusterId: string | undefined
}

/** A restored backup starts again at an older revision, and waiting for ours would hide everything until then. */
function checkNotRewound({ header, created }: WatchResponse, { prefix, next, clusterId }: Position): void {
  if (!created) return
  if (Number(header.revision) < next - 1) {
    throw compacted(prefix, next, `the store is only at revision ${header.revision}, as after a restored backup`)
  }
  if (clusterId !== undefined && clusterId !== header.cluster_id) {
    throw compacted(prefix, next, 'another etcd cluster answers at this address now')
  }
}

function refusal(response: WatchResponse, prefix: string, next: number): Error {
  const oldest = Number(response.compact_revision)
  if (oldest > 0) return compacted(prefix, next, `history before ${oldest} is compacted`)
  return storeUnavailable('etcd', new Error(`the watch was cancelled: ${response.cancel_reason}`))
}
