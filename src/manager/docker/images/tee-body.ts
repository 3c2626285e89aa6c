import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'

/** A body that several read at once: none of it is kept, so the slowest of those who still read paces it. */
export class TeeBody {
  readonly branches: readonly PassThrough[]

  constructor(count: number) {
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
        await Promise.all(open.map(branch => write(branch, chunk)))
      }
      for (const branch of this.branches) branch.end()
    } catch (error) {
      for (const branch of this.branches) branch.destroy(error as Error)
      throw error
    }
  }
}

async function write(branch: PassThrough, chunk: Buffer): Promise<void> {
  if (branch.write(chunk)) return
  const settled = new AbortController()
  const { signal } = settled
  // Whoever stops to read lets the others go on.
  await Promise.race([once(branch, 'drain', { signal }), once(branch, 'close', { signal })]).catch(() => {})
  settled.abort()
}
