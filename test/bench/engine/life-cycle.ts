import { type BenchClient, createAndStart, milliseconds, times } from './client.ts'

const WARM_UP = 5
const SAMPLES = 32

/** Milliseconds of each sample. */
export interface LifeCycle {
  readonly network: 'bridge' | 'none'
  readonly concurrency: number
  readonly start: readonly number[]
  readonly whole: readonly number[]
  readonly wholePerSecond: number
}

/** Create and start; and create, start, wait for `true` and remove: alone and eight at a time, with and without a bridge. */
export async function measureLifeCycles(client: BenchClient): Promise<readonly LifeCycle[]> {
  await times(WARM_UP, 1, () => wholeLife(client, 'bridge'))
  const found: LifeCycle[] = []
  for (const network of ['bridge', 'none'] as const) {
    for (const concurrency of [1, 8]) {
      const count = concurrency === 1 ? SAMPLES : 3 * SAMPLES
      const start = await times(count, concurrency, () => startTime(client, network))
      const from = performance.now()
      const whole = await times(count, concurrency, () => wholeLife(client, network))
      const wholePerSecond = (count / (performance.now() - from)) * 1_000
      found.push({ network, concurrency, start, whole, wholePerSecond })
    }
  }
  return found
}

async function startTime(client: BenchClient, network: string): Promise<number> {
  let id = ''
  const took = await milliseconds(async () => {
    id = await createAndStart(client, network, ['sleep', '1000'])
  })
  await client.call('DELETE', `/containers/${id}?force=1`)
  return took
}

function wholeLife(client: BenchClient, network: string): Promise<number> {
  return milliseconds(async () => {
    const id = await createAndStart(client, network, ['true'])
    await client.call('POST', `/containers/${id}/wait`)
    await client.call('DELETE', `/containers/${id}`)
  })
}
