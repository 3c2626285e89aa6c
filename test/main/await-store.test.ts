import { expect, it } from 'vitest'
import { failed, unavailable } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { untilStoreAnswers } from '../../src/main/manager/await-store.ts'

const clock = new ManualClock()
const where = 'etcd://127.0.0.1:2379'
const never = new Promise<string>(() => {})
const settings = (ended: Promise<string> | undefined) => ({
  clock,
  log: silentLog,
  signal: new AbortController().signal,
  where,
  ended,
})

/** Silent for so long, and what comes of asking. */
async function asking(silentMs: number, ended: Promise<string> | undefined): Promise<unknown> {
  const beganMs = clock.monotonicMs()
  const ask = async (): Promise<string> => {
    if (clock.monotonicMs() - beganMs < silentMs) throw unavailable('STORE_UNAVAILABLE', 'nobody there')
    return 'answered'
  }
  const outcome = untilStoreAnswers(ask, settings(ended)).catch((error: unknown) => error)
  await clock.advance(silentMs + 1_000)
  return outcome
}

it('waits a quarter of a minute for a store of others, and much longer for one that was just started', async () => {
  expect(await asking(10_000, undefined)).toBe('answered')
  expect(await asking(20_000, undefined)).toMatchObject({
    code: 'NO_STORE',
    message: 'nobody there; gave up after 15 s',
  })
  expect(await asking(55_000, never)).toBe('answered')
  expect(await asking(70_000, never)).toMatchObject({ code: 'NO_STORE' })
})

it('ends as soon as its own store has ended, and says how', async () => {
  expect(await asking(50_000, Promise.resolve('etcd ended with exit code 1: no space left'))).toMatchObject({
    code: 'ETCD_FAILED',
    message: expect.stringContaining('exit code 1: no space left'),
  })
})

it('does not repeat what would fail again', async () => {
  const ask = async (): Promise<never> => {
    throw failed('BAD_RECORD', 'broken')
  }
  await expect(untilStoreAnswers(ask, settings(never))).rejects.toMatchObject({ code: 'BAD_RECORD' })
})
