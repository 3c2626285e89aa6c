import { expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { EngineEvent } from '../../../src/docker-api/index.ts'
import { lastEvents } from '../../../src/manager/docker/events.ts'
import { askAll, type ClusterNodes } from '../../../src/manager/docker/nodes.ts'
import { stubEngine } from '../../support/stub-engine.ts'

const event = (timeNano: number): EngineEvent => ({
  Type: 'container',
  Action: 'start',
  Actor: { ID: 'c', Attributes: {} },
  scope: 'local',
  time: 0,
  timeNano,
})

async function* told(count: number): AsyncGenerator<EngineEvent> {
  for (let index = 0; index < count; index++) yield event(index)
}

it('of a long past the last is kept', async () => {
  const kept = await lastEvents(told(45_000), new AbortController().signal)
  expect(kept).toHaveLength(10_000)
  expect(kept.at(-1)?.timeNano).toBe(44_999)
})

it('a node that tells of its past without end is not read any more when its time is up', async () => {
  const clock = new ManualClock(0)
  let read = 0
  const liar = stubEngine({
    async *events() {
      for (;;) {
        yield event(read++)
        await new Promise(resolve => clock.setTimer(10, () => resolve(undefined)))
      }
    },
  })
  const ready = () => [{ name: 'n1', engine: liar }]
  const nodes = { ready, clock, inventory: { node: () => undefined } } as unknown as ClusterNodes
  const asking = askAll(nodes, (engine, _node, signal) => lastEvents(engine.events({}, signal), signal))
  await clock.advance(2_000)
  expect(await asking).toEqual([])
  const atDeadline = read
  await clock.advance(5_000)
  expect(read).toBeLessThanOrEqual(atDeadline + 1)
})

it.each([null, {}, { Actor: null }, { Actor: { Attributes: {} }, timeNano: 'now' }])(
  'what is no event, such as %j, is an error of its node alone',
  async garbage => {
    const events = (async function* () {
      yield garbage as never
    })()
    await expect(lastEvents(events, new AbortController().signal)).rejects.toMatchObject({ code: 'BAD_ANSWER' })
  },
)
