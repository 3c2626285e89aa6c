import { expect, it } from 'vitest'
import { failed, unavailable } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { Executors } from '../../src/node-agent/tasks/actions.ts'
import { ControlLoop, type Observation } from '../../src/node-agent/tasks/control-loop.ts'
import { taskRecord } from '../support/tasks.ts'

const OBSERVATION: Observation = {
  tasks: [taskRecord()],
  containers: [],
  reported: new Map(),
  published: new Map(),
  stale: new Set(),
}

const none = (): Promise<void> => Promise.resolve()

/** Executors of which only that of `run` does something. */
function onlyRunning(run: Executors['run']): Executors {
  return { cancel: none, stop: none, remove: none, forget: none, report: none, conclude: none, publish: none, run }
}

it('gives up what is under way, and waits for it, when the cluster turns out to be foreign', async () => {
  const events: string[] = []
  const began = Promise.withResolvers<void>()
  const executors = onlyRunning((_action, signal) => {
    const { promise, reject } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => {
      events.push('given up')
      reject(new Error('given up'))
    })
    began.resolve()
    return promise
  })
  let turns = 0
  const observe = (): Promise<Observation> => {
    turns++
    if (turns > 1) throw failed('FOREIGN_CLUSTER', 'Another cluster')
    return Promise.resolve(OBSERVATION)
  }
  const loop = new ControlLoop('n1', { observe, executors, clock: new ManualClock(), log: silentLog })
  const ended = loop.run(new AbortController().signal).catch((error: unknown) => events.push(String(error)))
  await began.promise
  loop.wake()
  await ended
  expect(events).toEqual(['given up', 'ShoalError: Another cluster'])
})

it('tries again in time, though a retry falls due while a round is being decided', async () => {
  const manual = new ManualClock()
  let creptMs = 0
  let creeps = false
  const monotonicMs = (): number => {
    if (creeps) creptMs += 0.4
    return manual.monotonicMs() + creptMs
  }
  const { nowMs, nowMicros, setTimer } = manual
  const clock = { nowMs, nowMicros, setTimer, monotonicMs }
  let runs = 0
  const run = async (): Promise<void> => {
    runs++
    throw unavailable('REGISTRY_SILENT', 'the registry is silent')
  }
  const executors = onlyRunning(run)
  const observe = () => Promise.resolve(OBSERVATION)
  const loop = new ControlLoop('n1', { observe, executors, clock, log: silentLog })
  const ended = new AbortController()
  const turning = loop.run(ended.signal)
  await manual.advance(0)
  expect(runs).toBe(1)
  // Just before it is due, and over while the clock is read twice.
  await manual.advance(999.5)
  creeps = true
  loop.wake()
  await manual.advance(10)
  expect(runs).toBe(2)
  ended.abort()
  await turning
})
