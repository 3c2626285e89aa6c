import { describe, expect, it } from 'vitest'
import type { RescheduledContainer } from '../../../src/core/model/rescheduled.ts'
import type { HeldContainer } from '../../../src/manager/inventory/index.ts'
import { type NodePresence, planReschedule } from '../../../src/manager/reschedule/plan-reschedules.ts'
import { held, record } from './held.ts'

type Nodes = Readonly<Record<string, NodePresence>>
const BOTH: Nodes = { a: 'live', b: 'live' }

function planned(note: RescheduledContainer, containers: readonly HeldContainer[], nodes: Nodes = BOTH) {
  return planReschedule(note, {
    presenceOf: name => nodes[name] ?? 'down',
    container: (node, id) => containers.find(each => each.node === node && each.id === id),
    containersOn: node => containers.filter(each => each.node === node),
  })
}

/** The verb, and what it is about. */
function step(...given: Parameters<typeof planned>): string {
  const plan = planned(...given)
  if (plan === undefined) return 'nothing'
  return 'node' in plan ? `${plan.do} ${plan.containerId} on ${plan.node}` : plan.do
}

describe('a container on a node that answers', () => {
  it('is noted anew when it is renamed, started or stopped, and then left alone', () => {
    const note = record('a', 'x@1')
    expect(step(note, [held('a', 'x@1')])).toBe('nothing')
    for (const status of ['paused', 'restarting'] as const)
      expect(step(note, [held('a', 'x@1', { status })])).toBe('nothing')
    expect(planned(note, [held('a', 'x@1', { name: 'y' })])).toEqual({ do: 'note', record: { ...note, name: 'y' } })
    const stopped = planned(note, [held('a', 'x@1', { status: 'exited' })])
    expect(stopped).toEqual({ do: 'note', record: { ...note, running: false } })
  })

  it('is forgotten when its node does not have it', () => {
    expect(step(record('a', 'x@1'), [])).toBe('forget')
  })

  it('is started if it was made anew and the manager that was to start it could not', () => {
    expect(step(record('a', 'x@1'), [held('a', 'x@1', { status: 'created' })])).toBe('start x@1 on a')
    expect(step(record('a', 'x@1', { running: false }), [held('a', 'x@1', { status: 'created' })])).toBe('nothing')
  })
})

describe('a container on a node that is down', () => {
  it('moves, but not before the node is given up', () => {
    expect(step(record('a', 'x@1'), [], { a: 'unclear', b: 'live' })).toBe('nothing')
    expect(step(record('a', 'x@1'), [held('a', 'x@1')], { a: 'down', b: 'live' })).toBe('move')
  })

  it('does not wait for nodes that have nothing to do with it', () => {
    expect(step(record('a', 'x@1'), [], { a: 'down', b: 'unclear' })).toBe('move')
  })

  it('is found where it was being made, started first, and nowhere else whatever nodes claim', () => {
    const nodes: Nodes = { a: 'down', b: 'live', c: 'live' }
    const note = record('a', 'x@1', { movingTo: 'b' })
    expect(step(note, [held('b', 'x@2', { status: 'created' })], nodes)).toBe('start x@2 on b')
    expect(planned(note, [held('b', 'x@2')], nodes)).toEqual({
      do: 'note',
      record: record('b', 'x@2', { left: [{ node: 'a', containerId: 'x@1' }] }),
    })
    expect(step(note, [held('c', 'x@2')], nodes)).toBe('move')
    expect(step(note, [], { ...nodes, b: 'unclear' })).toBe('nothing')
  })

  it('leaves what may have been made on a second node that went down, too', () => {
    const plan = planned(record('a', 'x@1', { movingTo: 'b' }), [], { a: 'down', b: 'down' })
    expect(plan).toEqual({ do: 'note', record: record('a', 'x@1', { left: [{ node: 'b' }] }) })
  })
})

describe('a node that returns', () => {
  const note = record('b', 'x@2', { left: [{ node: 'a', containerId: 'x@1' }] })

  it('loses what lives elsewhere by now, and is then not looked at any more', () => {
    expect(step(note, [held('a', 'x@1', { status: 'exited' }), held('b', 'x@2')])).toBe('remove x@1 on a')
    expect(planned(note, [held('b', 'x@2')])).toEqual({ do: 'note', record: { ...note, left: [] } })
    expect(step(note, [held('b', 'x@2')], { a: 'unclear', b: 'live' })).toBe('nothing')
  })

  it('keeps other containers that say they were the same', () => {
    expect(step(note, [held('a', 'x@7'), held('b', 'x@2')])).toBe('note')
    expect(step(record('b', 'x@2'), [held('a', 'x@1'), held('b', 'x@2')])).toBe('nothing')
  })

  it('keeps its container if that was not made anew yet; the other place is remembered', () => {
    const plan = planned(record('a', 'x@1', { movingTo: 'b' }), [held('a', 'x@1'), held('b', 'x@2')])
    expect(plan).toEqual({ do: 'note', record: record('a', 'x@1', { left: [{ node: 'b' }] }) })
    expect(step(record('a', 'x@1', { left: [{ node: 'b' }] }), [held('a', 'x@1'), held('b', 'x@2')])).toBe(
      'remove x@2 on b',
    )
  })
})
