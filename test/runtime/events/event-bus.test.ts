import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { EventOptions } from '../../../src/docker-api/index.ts'
import { EventBus } from '../../../src/runtime/events/index.ts'
import { fc } from '../../support/property.ts'

const KEPT = 4_096
const actor = (ID: string, Attributes: Record<string, string> = {}) => ({ ID, Attributes })

function open() {
  const clock = new ManualClock()
  const bus = new EventBus(clock)
  const stop = new AbortController()
  /** Ids of the events that a reader hears, as they come. */
  const listen = (options: EventOptions = {}) => {
    const heard: string[] = []
    const stream = bus.read(options, stop.signal)
    const ended = (async () => {
      for await (const { Actor } of stream) heard.push(Actor.ID)
    })()
    return { heard, ended }
  }
  return { clock, bus, listen, stop }
}

describe('EventBus', () => {
  it('tells what happens after the call, not before', async () => {
    const { clock, bus, listen, stop } = open()
    bus.emit('container', 'start', actor('early'))
    const late = bus.read({}, stop.signal)
    bus.emit('container', 'start', actor('between'))
    const { heard } = listen()
    bus.emit('container', 'die', actor('after'))
    await clock.advance(1)
    expect(heard).toEqual(['after'])
    expect((await late.next()).value).toMatchObject({ Actor: { ID: 'between' } })
  })

  it('gives every event a time of its own, to the microsecond, whatever the clock does', async () => {
    const times = [5_000_000, 5_000_321, 5_000_321, 4_000_000, 5_000_400]
    const { nowMs, monotonicMs, setTimer } = new ManualClock()
    const bus = new EventBus({ nowMs, monotonicMs, setTimer, nowMicros: () => times.shift() ?? 0 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) bus.emit('container', 'start', actor(id))
    bus.close()
    const kept = await Array.fromAsync(bus.read({ sinceMs: 0 }, new AbortController().signal))
    const wanted = [5_000_000, 5_000_321, 5_000_322, 5_000_323, 5_000_400]
    expect(kept.map(({ timeNano }) => timeNano)).toEqual(wanted.map(micros => micros * 1_000))
    const part = bus.read({ sinceMs: 5_000.322, untilMs: 5_000.323 }, new AbortController().signal)
    expect((await Array.fromAsync(part)).map(({ Actor }) => Actor.ID)).toEqual(['c', 'd'])
  })

  it('tells the past from an instant on, to the microsecond', async () => {
    const { clock, bus, listen } = open()
    for (const id of ['a', 'b', 'c']) bus.emit('container', 'start', actor(id))
    const { heard } = listen({ sinceMs: clock.nowMs() + 0.001 })
    bus.emit('container', 'start', actor('d'))
    await clock.advance(1)
    expect(heard).toEqual(['b', 'c', 'd'])
  })

  it('ends at the time that was asked for, and at once if that is past', async () => {
    const { clock, bus, listen } = open()
    bus.emit('container', 'start', actor('past'))
    await clock.advance(100)
    const now = listen({ sinceMs: 0, untilMs: clock.nowMs() })
    await now.ended
    expect(now.heard).toEqual(['past'])
    const later = listen({ sinceMs: clock.nowMs(), untilMs: clock.nowMs() + 100 })
    await clock.advance(50)
    bus.emit('container', 'start', actor('in time'))
    await clock.advance(60)
    bus.emit('container', 'start', actor('too late'))
    await later.ended
    expect(later.heard).toEqual(['in time'])
  })

  it('tells a thousand readers, gathering what happens at nearly the same time', async () => {
    const { clock, bus, listen, stop } = open()
    const readers = Array.from({ length: 1_000 }, () => listen())
    await clock.advance(1)
    expect(bus.listeners).toBe(1_000)
    for (let index = 0; index < 10; index++) bus.emit('container', 'start', actor(String(index)))
    await clock.advance(100)
    expect(readers.every(({ heard }) => heard.length === 10)).toBe(true)
    stop.abort()
    await Promise.all(readers.map(({ ended }) => ended))
    expect(bus.listeners).toBe(0)
  })

  it('lets go of a reader that does not read, and says so', async () => {
    const { bus } = open()
    const told: string[] = []
    const stream = bus.read({ onLost: () => told.push('lost') }, new AbortController().signal)
    bus.emit('container', 'start', actor('0'))
    expect((await stream.next()).value).toMatchObject({ Actor: { ID: '0' } })
    for (let index = 1; index <= KEPT + 300; index++) bus.emit('container', 'start', actor(String(index)))
    expect(told).toEqual(['lost'])
    expect(bus.listeners).toBe(0)
    await expect(stream.next()).rejects.toMatchObject({ code: 'EVENTS_LOST' })
  })

  it('gives every event once and in order, however the readers take turns', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async turns => {
        const { bus } = open()
        const stream = bus.read({}, new AbortController().signal)
        const heard: string[] = []
        let emitted = 0
        for (const isEmit of turns) {
          if (isEmit) bus.emit('container', 'start', actor(String(emitted++)))
          else if (heard.length < emitted) heard.push(String((await stream.next()).value?.Actor.ID))
        }
        expect(heard).toEqual(Array.from({ length: heard.length }, (_, index) => String(index)))
      }),
    )
  })

  it('ends every reader when the engine closes', async () => {
    const { clock, bus, listen } = open()
    const reader = listen()
    await clock.advance(1)
    bus.close()
    await reader.ended
  })
})

describe('filters', () => {
  const web = { name: 'web', image: 'team/app:2', tier: 'front', zone: 'a' }
  const events = [
    ['container', 'start', 'c0ffee', web],
    ['container', 'health_status: healthy', 'c0ffee', web],
    ['container', 'exec_create: ls -l', 'c0ffee', web],
    ['image', 'tag', 'sha256:1234', { name: 'team/app:2' }],
    ['network', 'connect', 'ne7', { name: 'front', container: 'c0ffee' }],
    ['volume', 'mount', 'data', { driver: 'local' }],
  ] as const

  it.each([
    [{}, [0, 1, 2, 3, 4, 5]],
    [{ type: ['image', 'volume'] }, [3, 5]],
    [{ event: ['start', 'mount'] }, [0, 5]],
    [{ event: ['health_status'] }, [1]],
    [{ event: ['health_status: healthy'] }, [1]],
    [{ event: ['health_status: unhealthy'] }, []],
    [{ event: ['exec_create'] }, [2]],
    [{ container: ['we'] }, [0, 1, 2]],
    [{ container: ['c0'] }, [0, 1, 2]],
    [{ container: ['other'] }, []],
    [{ image: ['team/app'] }, [0, 1, 2, 3]],
    [{ image: ['team/app:2'] }, [0, 1, 2, 3]],
    [{ image: ['team'] }, []],
    [{ network: ['front'] }, [4]],
    [{ volume: ['data'] }, [5]],
    [{ daemon: ['x'] }, []],
    [{ scope: ['local'] }, [0, 1, 2, 3, 4, 5]],
    [{ scope: ['swarm'] }, []],
    [{ label: ['tier=front', 'zone'] }, [0, 1, 2]],
    [{ label: ['tier=front', 'zone=b'] }, []],
    [{ label: ['tier=back'] }, []],
    [{ type: ['container'], event: ['start'] }, [0]],
    [{ type: [] }, [0, 1, 2, 3, 4, 5]],
    [{ unheard: ['of'] }, [0, 1, 2, 3, 4, 5]],
  ])('%j pass events %j', async (filters, expected) => {
    const { clock, bus } = open()
    for (const [type, action, id, attributes] of events) bus.emit(type, action, actor(id, attributes))
    const options = { sinceMs: 0, untilMs: clock.nowMs() + 1, filters }
    const reading = Array.fromAsync(bus.read(options, new AbortController().signal))
    await clock.advance(2)
    const passed = (await reading).map(event =>
      events.findIndex(([type, action]) => type === event.Type && action === event.Action),
    )
    expect(passed).toEqual(expected)
  })
})
