import { expect, it, vi } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { serveByHand } from '../../support/hand-server.ts'
import { lab, send, startFront } from '../docker/front-lab.ts'

it('what was handed on to a leader that does not answer is given up when it leads no more', async () => {
  const clock = new ManualClock()
  lab.clock = clock
  const { address, asked, open } = await serveByHand(lab.scope, () => {})
  const port = await startFront({ leader: address })
  let isAnswered = false
  const answer = send(port, 'POST', '/containers/create', { Image: 'app' }).finally(() => {
    isAnswered = true
  })
  await vi.waitUntil(() => asked.includes('/containers/create'), 20_000)
  await clock.advance(60_000)
  expect([isAnswered, open.size]).toEqual([false, 1])
  lab.isDeposed = true
  await clock.advance(3_000)
  expect(await answer).toMatchObject({
    status: 503,
    body: { message: expect.stringContaining('see whether it was done before you try again') },
  })
})
