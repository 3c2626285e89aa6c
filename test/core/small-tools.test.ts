import { describe, expect, it } from 'vitest'
import { canonicalJson, hashOf } from '../../src/core/digest.ts'
import { conflict, errorCode, errorMessage, failed, isTransient, unavailable } from '../../src/core/errors.ts'
import { KeyedLock } from '../../src/core/keyed-lock.ts'
import { ManualClock, settle } from '../../src/core/manual-clock.ts'
import { isTerminal, mayAdvance, TASK_STATES } from '../../src/core/model/task.ts'
import { mapInTurns, mapParallel } from '../../src/core/parallel.ts'
import { newHexId, newShortId, pickIndex, seededRandom } from '../../src/core/random.ts'
import { Scope } from '../../src/core/scope.ts'
import { fc } from '../support/property.ts'

describe('canonicalJson()', () => {
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), value => {
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalJson(reversed)).toBe(canonicalJson(value))
        expect(hashOf(reversed)).toBe(hashOf(value))
      }),
    )
  })
  it('keeps the order of lists', () => expect(hashOf([1, 2])).not.toBe(hashOf([2, 1])))
})

describe('errors', () => {
  it('tell their whole story in one line, without repeating a cause', () => {
    const disk = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    expect(errorMessage(failed('WRITE', 'Cannot write layer', { cause: disk }))).toBe(
      'Cannot write layer: ENOSPC: no space left on device',
    )
    expect(errorMessage(failed('WRITE', `Cannot write layer: ${disk.message}`, { cause: disk }))).toBe(
      'Cannot write layer: ENOSPC: no space left on device',
    )
    expect(errorCode(disk)).toBe('ENOSPC')
    expect(errorCode('text')).toBeUndefined()
  })
  it('know whether they may pass', () => {
    expect(isTransient(unavailable('X', 'later'))).toBe(true)
    expect(isTransient(conflict('X', 'never'))).toBe(false)
  })
})

describe('seededRandom()', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    expect(newHexId(seededRandom(7))).toBe(newHexId(seededRandom(7)))
    expect(newHexId(seededRandom(7))).not.toBe(newHexId(seededRandom(8)))
    expect(newShortId(seededRandom(1))).toMatch(/^[0-9a-f]{12}$/)
  })
  it('stays in its range', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 50 }), (seed, count) => {
        const index = pickIndex(seededRandom(seed), count)
        expect(index >= 0 && index < count && Number.isInteger(index)).toBe(true)
      }),
    )
  })
})

describe('KeyedLock', () => {
  it('runs one at a time for a key, in order, and goes on after a failure', async () => {
    const lock = new KeyedLock()
    const seen: string[] = []
    const work =
      (name: string, fails = false) =>
      async () => {
        seen.push(`${name} starts`)
        await settle()
        seen.push(`${name} ends`)
        if (fails) throw new Error(name)
      }
    const first = lock.run('a', work('one', true))
    const second = lock.run('a', work('two'))
    await expect(first).rejects.toThrow('one')
    await second
    expect(seen).toEqual(['one starts', 'one ends', 'two starts', 'two ends'])
  })
})

describe('mapParallel()', () => {
  it('keeps to its limit and to the order of the items', async () => {
    let running = 0
    let most = 0
    const results = await mapParallel([1, 2, 3, 4, 5], 2, async item => {
      most = Math.max(most, ++running)
      await settle()
      running--
      return item * 10
    })
    expect(results).toEqual([10, 20, 30, 40, 50])
    expect(most).toBe(2)
  })
  it('starts nothing more after a failure', async () => {
    const started: number[] = []
    const work = async (item: number): Promise<void> => {
      started.push(item)
      if (item === 1) throw new Error('first')
      await settle()
    }
    await expect(mapParallel([1, 2, 3, 4], 2, work)).rejects.toThrow('first')
    expect(started).toEqual([1, 2])
  })
})

describe('mapInTurns()', () => {
  it('begins the next when one has ended, or has had its turn', async () => {
    const clock = new ManualClock()
    const begun: number[] = []
    const silent = Promise.withResolvers<number>()
    const mapping = mapInTurns([0, 1, 2, 3, 4, 5], { atOnce: 2, yieldMs: 250, clock }, async item => {
      begun.push(item)
      return item === 1 || item === 4 ? item : silent.promise
    })
    await settle()
    expect(begun).toEqual([0, 1, 2])
    await clock.advance(249)
    expect(begun).toEqual([0, 1, 2])
    await clock.advance(1)
    expect(begun).toEqual([0, 1, 2, 3, 4, 5])
    silent.resolve(9)
    expect(await mapping).toEqual([9, 1, 9, 9, 4, 9])
    expect(clock.nextDueMs()).toBeUndefined()
  })
  it('begins nothing more after a failure, and waits for what was begun', async () => {
    const clock = new ManualClock()
    const begun: number[] = []
    const slow = Promise.withResolvers<void>()
    const mapping = mapInTurns([0, 1, 2], { atOnce: 1, yieldMs: 250, clock }, async item => {
      begun.push(item)
      if (item === 0) return slow.promise
      throw new Error('first')
    })
    const ended = mapping.catch((error: Error) => error.message)
    await clock.advance(250)
    expect(await Promise.race([ended, settle().then(() => 'waits')])).toBe('waits')
    slow.resolve()
    expect({ ended: await ended, begun }).toEqual({ ended: 'first', begun: [0, 1] })
  })
})

describe('Scope', () => {
  it('closes in reverse, goes on after a failure and reports all', async () => {
    const closed: string[] = []
    const scope = new Scope()
    await scope.open(
      () => 'a',
      name => void closed.push(name),
    )
    scope.defer(() => {
      throw new Error('b will not close')
    })
    await scope.open(
      () => 'c',
      name => void closed.push(name),
    )
    await expect(scope[Symbol.asyncDispose]()).rejects.toThrow('1 failed')
    expect(closed).toEqual(['c', 'a'])
    expect(scope.signal.aborted).toBe(true)
  })
})

describe('mayAdvance()', () => {
  it('never goes back and never leaves a terminal state', () => {
    for (const from of TASK_STATES) {
      for (const to of TASK_STATES) {
        const forward = TASK_STATES.indexOf(to) >= TASK_STATES.indexOf(from)
        expect(mayAdvance(from, to)).toBe(forward && !isTerminal(from))
      }
    }
  })
})
