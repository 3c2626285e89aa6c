import { describe, expect, it } from 'vitest'
import { sleep, withDeadline } from '../../src/core/clock.ts'
import { TransientError } from '../../src/core/errors.ts'
import { ManualClock, settle } from '../../src/core/manual-clock.ts'
import { backoff, retry } from '../../src/core/retry.ts'

describe('ManualClock', () => {
  it('fires timers in the order of their time, then in the order they were set', async () => {
    const clock = new ManualClock(0)
    const fired: string[] = []
    clock.setTimer(20, () => fired.push('late'))
    clock.setTimer(10, () => fired.push('first'))
    clock.setTimer(10, () => fired.push('second'))
    clock.setTimer(15, () => fired.push('cancelled')).cancel()
    await clock.advance(30)
    expect(fired).toEqual(['first', 'second', 'late'])
    expect(clock.nowMs()).toBe(30)
  })
})

describe('sleep()', () => {
  it('rejects with the reason as soon as it is aborted', async () => {
    const controller = new AbortController()
    const waiting = sleep(new ManualClock(), 1_000, controller.signal)
    controller.abort(new Error('stop'))
    await expect(waiting).rejects.toThrow('stop')
  })
})

describe('withDeadline()', () => {
  it('gives up on work that ignores its signal', async () => {
    const clock = new ManualClock()
    const waiting = withDeadline(() => new Promise(() => {}), 50, { clock, onTimeout: () => new Error('too late') })
    const outcome = expect(waiting).rejects.toThrow('too late')
    await clock.advance(60)
    await outcome
  })

  it('tells of the deadline, or of who cancelled, though the work fails with the same abort', async () => {
    const clock = new ManualClock()
    const aborted = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    const late = withDeadline(aborted, 50, { clock, onTimeout: () => new Error('too late') })
    const outcome = expect(late).rejects.toThrow('too late')
    await clock.advance(60)
    await outcome
    const controller = new AbortController()
    const { signal } = controller
    const cancelled = withDeadline(aborted, 50, { clock, signal, onTimeout: () => new Error('too late') })
    controller.abort(new Error('enough'))
    await expect(cancelled).rejects.toThrow('enough')
  })

  it('leaves no timer behind when the work ends in time', async () => {
    const clock = new ManualClock()
    expect(await withDeadline(async () => 'done', 50, { clock, onTimeout: () => new Error('too late') })).toBe('done')
    expect(clock.nextDueMs()).toBeUndefined()
  })
})

describe('retry()', () => {
  const transient = new TransientError('X', 503, 'try again')

  it('waits longer each time and gives up after the last try', async () => {
    const clock = new ManualClock(0)
    const at: number[] = []
    const running = retry(
      async () => {
        at.push(clock.nowMs())
        throw transient
      },
      { triesMax: 4, waitMs: backoff(10, 25) },
      { clock },
    )
    const outcome = expect(running).rejects.toBe(transient)
    await clock.advance(100)
    await outcome
    expect(at).toEqual([0, 10, 30, 55])
  })

  it('does not repeat an error that will not pass', async () => {
    let calls = 0
    const work = async (): Promise<never> => {
      calls++
      throw new Error('wrong')
    }
    await expect(retry(work, { triesMax: 5, waitMs: () => 0 }, { clock: new ManualClock() })).rejects.toThrow('wrong')
    await settle()
    expect(calls).toBe(1)
  })
})
