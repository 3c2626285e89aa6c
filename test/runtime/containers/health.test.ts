import { expect, it } from 'vitest'
import { ManualClock, settle } from '../../../src/core/manual-clock.ts'
import { nextHealth, probeDelayMs } from '../../../src/runtime/containers/health/health-state.ts'
import { HealthMonitor, planHealth, STARTING_HEALTH } from '../../../src/runtime/containers/health/index.ts'

const SECOND = 1_000_000_000
const plan = planHealth({ Test: ['CMD', 'probe'], StartPeriod: 10 * SECOND, Retries: 2, Interval: 3 * SECOND })
if (plan === undefined) throw new Error('no plan')
const t0 = 1_000_000

function probe(exitCode: number, atMs = 60_000) {
  return { startedAtMs: t0 + atMs, endedAtMs: t0 + atMs + 5, exitCode, output: '' }
}

it.each([
  ['a success makes healthy', [probe(0)], 'healthy', 0],
  ['one failure of two keeps starting', [probe(1)], 'starting', 1],
  ['two failures make unhealthy', [probe(1), probe(1)], 'unhealthy', 2],
  ['failures in the start period do not count', [probe(1, 1), probe(1, 2), probe(1, 3)], 'starting', 0],
  ['a success ends the start period early', [probe(0, 1), probe(1, 2), probe(1, 3)], 'unhealthy', 2],
  ['a success in between starts the count anew', [probe(1), probe(0), probe(1)], 'healthy', 1],
  ['an unhealthy one recovers with one success', [probe(1), probe(1), probe(0)], 'healthy', 0],
  ['any exit code but 0 fails, a timeout too', [probe(2), probe(-1)], 'unhealthy', 2],
])('%s', (_title, probes, status, streak) => {
  const state = probes.reduce((state, one) => nextHealth(state, one, { plan, startedAtMs: t0 }), STARTING_HEALTH)
  expect(state).toMatchObject({ Status: status, FailingStreak: streak })
})

it('keeps the last five probes, each with at most 4096 bytes of output', () => {
  const outputs = ['a', 'b', 'c', 'd', 'e', 'f', 'g'.repeat(5000)]
  const state = outputs.reduce(
    (state, output) => nextHealth(state, { ...probe(0), output }, { plan, startedAtMs: t0 }),
    STARTING_HEALTH,
  )
  expect(state.Log.map(({ Output }) => Output)).toEqual(['c', 'd', 'e', 'f', `${'g'.repeat(4096)}...`])
})

it.each([
  [undefined, undefined],
  [{ Test: ['NONE'] }, undefined],
  [{ Test: [] }, undefined],
  [{ Test: ['CMD', 'a', 'b'] }, ['a', 'b']],
  [{ Test: ['CMD-SHELL', 'a || b'] }, ['/bin/sh', '-c', 'a || b']],
])('reads the test of %j', (config, argv) => {
  expect(planHealth(config)?.argv).toEqual(argv)
})

it('uses the shell of the image and the defaults of Docker', () => {
  expect(planHealth({ Test: ['CMD-SHELL', 'x'] }, ['/bin/bash', '-lc'])).toEqual({
    argv: ['/bin/bash', '-lc', 'x'],
    intervalMs: 30_000,
    timeoutMs: 30_000,
    startPeriodMs: 0,
    startIntervalMs: 5_000,
    retries: 3,
  })
})

it('probes more often in the start period until the first success', () => {
  const at = (ms: number) => ({ nowMs: t0 + ms, startedAtMs: t0 })
  expect(probeDelayMs(STARTING_HEALTH, plan, at(1))).toBe(5_000)
  expect(probeDelayMs(STARTING_HEALTH, plan, at(10_000))).toBe(3_000)
  expect(probeDelayMs({ ...STARTING_HEALTH, Status: 'healthy' }, plan, at(1))).toBe(3_000)
})

function monitorWith(run: (signal: AbortSignal) => Promise<{ exitCode: number; output: string }>) {
  const clock = new ManualClock()
  const seen: string[] = []
  const monitor = new HealthMonitor({
    clock,
    exec: { run: (_id, _argv, { signal }) => run(signal) },
    onProbe: (id, { Status, Log }, changed) => {
      seen.push(`${id} ${Status}${changed ? '!' : ''} ${Log.at(-1)?.Output ?? ''}`)
    },
  })
  return { clock, seen, monitor }
}

const every3s = { ...plan, startPeriodMs: 0, timeoutMs: 1_000 }

it('reports each probe and says when the status changed', async () => {
  const exits = [1, 0, 0, 1, 1]
  const { clock, seen, monitor } = monitorWith(async () => ({ exitCode: exits.shift() ?? 0, output: '' }))
  expect(monitor.start('c', { plan: every3s, startedAtMs: clock.nowMs() }).Status).toBe('starting')
  await clock.advance(15_000)
  expect(seen.map(line => line.trim())).toEqual(['c starting', 'c healthy!', 'c healthy', 'c healthy', 'c unhealthy!'])
  monitor.close()
})

it('fails a probe that takes too long, and tells the command to end', async () => {
  let aborted = false
  const { clock, seen, monitor } = monitorWith(signal => {
    signal.addEventListener('abort', () => {
      aborted = true
    })
    return new Promise(() => {})
  })
  monitor.start('c', { plan: every3s, startedAtMs: clock.nowMs() })
  await clock.advance(4_000)
  expect(aborted).toBe(true)
  expect(seen).toEqual(['c starting Health check exceeded timeout (1s)'])
  monitor.close()
})

it('does not count a probe of a container that was stopped meanwhile', async () => {
  const { promise, resolve } = Promise.withResolvers<{ exitCode: number; output: string }>()
  const { clock, seen, monitor } = monitorWith(() => promise)
  monitor.start('c', { plan: every3s, startedAtMs: clock.nowMs() })
  await clock.advance(3_000)
  monitor.stop('c')
  resolve({ exitCode: 1, output: '' })
  await settle()
  await clock.advance(60_000)
  expect(seen).toEqual([])
  expect(clock.nextDueMs()).toBeUndefined()
})

it('goes on from the health it had before the engine restarted', async () => {
  const { clock, monitor } = monitorWith(async () => ({ exitCode: 1, output: '' }))
  const state = { Status: 'healthy', FailingStreak: 1, Log: [] } as const
  monitor.start('c', { plan: every3s, startedAtMs: 0, state })
  await clock.advance(3_000)
  expect(monitor.get('c')).toMatchObject({ Status: 'unhealthy', FailingStreak: 2 })
  monitor.close()
})
