import { expect, it } from 'vitest'
import { failed } from '../../../src/core/errors.ts'
import { KeyedLock } from '../../../src/core/keyed-lock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { scheduleRestart } from '../../../src/runtime/containers/life/end-run.ts'
import type { Room } from '../../../src/runtime/containers/room.ts'

it('waits until the delay is over, and then for nothing', async () => {
  const clock = new ManualClock()
  const looked: string[] = []
  const room: Partial<Record<keyof Room, unknown>> = {
    clock,
    closing: new AbortController().signal,
    locks: new KeyedLock(),
    restarts: new Map(),
    table: { find: (id: string) => void looked.push(id) },
    log: silentLog,
  }
  scheduleRestart(room as Room, 'web', 51_200)
  await clock.advance(51_199)
  expect([looked, room.restarts]).toEqual([[], new Map([['web', expect.anything()]])])
  await clock.advance(1)
  expect([looked, room.restarts]).toEqual([['web'], new Map()])
})

it('survives a restart that fails in a way nobody has foreseen, and tells the log', async () => {
  const clock = new ManualClock()
  const told: object[] = []
  const room: Partial<Record<keyof Room, unknown>> = {
    clock,
    closing: new AbortController().signal,
    locks: new KeyedLock(),
    restarts: new Map(),
    table: {
      find() {
        throw failed('BROKEN', 'the table is broken')
      },
    },
    log: { ...silentLog, error: (fields: object) => void told.push(fields) },
  }
  scheduleRestart(room as Room, 'web', 100)
  await clock.advance(100)
  expect(told).toEqual([{ container: 'web', error: 'the table is broken' }])
})
