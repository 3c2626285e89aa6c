import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import type { Clock } from '../../../core/clock.ts'
import { unavailable } from '../../../core/errors.ts'

/** Longer than a disk is busy. */
const STALL_MS_MAX = 60_000

/**
 * A body that several read at once: none of it is kept, so the slowest of those who still read paces it. One that takes nothing for
 * a minute is left out, with the error NODE_STALLED.
 */
export class TeeBody {
  readonly branches: readonly PassThrough[]
  readonly #clock: Clock

  constructor(count: number, clock: Clock) {
    this.#clock = clock
    this.branches = Array.from({ length: count }, () => {
      const branch = new PassThrough()
      // One that breaks is left out; why, its reader knows.
      branch.on('error', () => {})
      return branch
    })
  }

  /** Reads the body to its end, or until nobody reads any more. A body that breaks off breaks all branches. */
  async pump(body: Readable): Promise<void> {
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        const open = this.branches.filter(({ destroyed }) => !destroyed)
        if (open.length === 0) return
        await Promise.all(open.map(branch => write(branch, chunk, this.#clock)))
      }
      for (const branch of this.branches) branch.end()
    } catch (error) {
      for (const branch of this.branches) branch.destroy(error as Error)
      throw error
    }
  }
}

async function write(branch: PassThrough, chunk: Buffer, clock: Clock): Promise<void> {
  if (branch.write(chunk)) return
  const sentence = `it took nothing of the archive for ${STALL_MS_MAX / 1_000} s`
  const timer = clock.setTimer(STALL_MS_MAX, () => branch.destroy(unavailable('NODE_STALLED', sentence)))
  const settled = new AbortController()
  const { signal } = settled
  // Whoever stops to read lets the others go on.
  await Promise.race([once(branch, 'drain', { signal }), once(branch, 'close', { signal })]).catch(() => {})
  settled.abort()
  timer.cancel()
}
