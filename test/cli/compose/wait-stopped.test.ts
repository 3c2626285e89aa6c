import { expect, it } from 'vitest'
import { waitStopped } from '../../../src/cli/commands/compose/watch/wait-stopped.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { taskView } from '../support/fake-manager.ts'

it('tells of each container that stops when it is gone, too', async () => {
  const clock = new ManualClock()
  const told: string[] = []
  const [web, db] = [taskView('web', 1), taskView('db', 1)]
  const looks = [[web, db], [web, db], [db], undefined]
  const waiting = waitStopped({
    left: async () => looks.shift(),
    timeoutMs: 60_000,
    onTimeout: () => new Error('late'),
    clock,
    signal: new AbortController().signal,
    progress: {
      tell: (what, news) => void told.push(`${what} ${news}`),
      parts() {},
      warn() {},
      print() {},
      between() {},
      end() {},
    },
  })
  await clock.advance(1_000)
  await waiting
  expect([...new Set(told)]).toEqual([
    'Container shop-web-1 Stopping',
    'Container shop-db-1 Stopping',
    'Container shop-web-1 Removed',
    'Container shop-db-1 Removed',
  ])
})
