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

/**
 * The ways it is measured: alone and eight at a time, with and without a bridge. Alone first: the kernel goes on taking network
 * devices down for seconds after many containers have ended.
 */
export const LIFE_CYCLES = [1, 8].flatMap(concurrency =>
  (['bridge', 'none'] as const).map(network => ({ network, concurrency })),
)

/** Create and start; and create, start, wait for `true` and remove. */
export async function measureLifeCycle(
  client: BenchClient,
  { network, concurrency }: (typeof LIFE_CYCLES)[number],
): Promise<LifeCycle> {
  await times(WARM_UP, 1, () => wholeLife(client, network))
  const count = concurrency === 1 ? SAMPLES : 3 * SAMPLES
  const start = await times(count, concurrency, () => startTime(client, network))
  const from = performance.now()
  const whole = await times(count, concurrency, () => wholeLife(client, network))
  const wholePerSecond = (count / (performance.now() - from)) * 1_000
  return { network, concurrency, start, whole, wholePerSecond }
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
