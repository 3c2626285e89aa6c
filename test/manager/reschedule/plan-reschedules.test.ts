import { describe, expect, it } from 'vitest'
import type { RescheduledContainer } from '../../../src/core/model/rescheduled.ts'
import type { HeldContainer, NodeCondition } from '../../../src/manager/inventory/index.ts'
import { isRescheduled, planReschedules } from '../../../src/manager/reschedule/plan-reschedules.ts'
import { held, known } from './held.ts'

interface Cluster {
  readonly nodes?: Readonly<Record<string, NodeCondition>>
  readonly known?: readonly RescheduledContainer[]
  readonly containers?: readonly HeldContainer[]
}

/** Steps as `verb container`. */
function steps({ nodes = { a: 'live', b: 'live' }, known: records = [], containers = [] }: Cluster): string[] {
  const plan = planReschedules({
    known: records,
    containers,
    conditionOf: name => nodes[name],
    isComplete: Object.values(nodes).every(each => each === 'live' || each === 'down'),
  })
  return plan.map(
    step =>
      `${step.do} ${'container' in step ? `${step.container.id} on ${step.container.node}` : step.known.containerId}`,
  )
}

describe('planReschedules', () => {
  it('notes containers that are new, renamed, started or stopped, and is then content', () => {
    expect(steps({ containers: [held('a', 'x@1')] })).toEqual(['note x@1 on a'])
    const record = known('a', 'x@1')
    expect(steps({ known: [record], containers: [held('a', 'x@1')] })).toEqual([])
    expect(steps({ known: [record], containers: [held('a', 'x@1', { name: 'y' })] })).toEqual(['note x@1 on a'])
    expect(steps({ known: [record], containers: [held('a', 'x@1', { status: 'exited' })] })).toEqual(['note x@1 on a'])
    for (const status of ['paused', 'restarting'] as const) {
      expect(steps({ known: [record], containers: [held('a', 'x@1', { status })] })).toEqual([])
    }
  })

  it.each([
    ['down', { a: 'down', b: 'live' } as const],
    ['gone', { b: 'live' } as const],
  ])('moves what was on a node that is %s, whether or not that node is still shown', (_, nodes) => {
    const record = known('a', 'x@1')
    expect(steps({ nodes, known: [record] })).toEqual(['move x@1'])
    expect(steps({ nodes, known: [record], containers: [held('a', 'x@1')] })).toEqual(['move x@1'])
  })

  it('waits while a container may be where nobody could look', () => {
    const record = known('a', 'x@1')
    expect(steps({ nodes: { a: 'down', b: 'reading' }, known: [record] })).toEqual([])
    expect(steps({ nodes: { a: 'down', b: 'broken' }, known: [record] })).toEqual([])
    expect(steps({ nodes: { a: 'reading', b: 'live' }, known: [record] })).toEqual([])
    expect(steps({ nodes: { a: 'broken', b: 'live' }, known: [record] })).toEqual([])
  })

  it('takes for moved what another manager made and could not note, and starts it first', () => {
    const nodes = { a: 'down', b: 'live' } as const
    const record = known('a', 'x@1')
    const copy = held('b', 'x@2', { status: 'created' })
    expect(steps({ nodes, known: [record], containers: [copy] })).toEqual(['start x@2 on b'])
    expect(steps({ nodes, known: [record], containers: [held('b', 'x@2')] })).toEqual(['note x@2 on b'])
    expect(steps({ nodes, known: [{ ...record, running: false }], containers: [copy] })).toEqual(['note x@2 on b'])
  })

  it('removes what a returning node has of a container that lives elsewhere', () => {
    const containers = [held('a', 'x@1', { status: 'exited' }), held('b', 'x@2')]
    expect(steps({ known: [known('b', 'x@2')], containers })).toEqual(['remove x@1 on a'])
    expect(steps({ nodes: { a: 'reading', b: 'live' }, known: [known('b', 'x@2')], containers })).toEqual([])
  })

  it('keeps the newest of two that nobody noted', () => {
    expect(steps({ containers: [held('a', 'x@1'), held('b', 'x@2')] })).toEqual(['note x@2 on b'])
  })

  it('forgets what was removed, but not while nodes still tell what they have', () => {
    expect(steps({ known: [known('a', 'x@1')] })).toEqual(['forget x@1'])
    expect(steps({ nodes: { a: 'live', b: 'reading' }, known: [known('a', 'x@1')] })).toEqual([])
  })
})

it.each([
  [{ 'com.docker.swarm.reschedule-policies': '["on-node-failure"]', 'com.docker.swarm.id': '1' }, true],
  [{ 'com.docker.swarm.reschedule-policies': '["off"]', 'com.docker.swarm.id': '1' }, false],
  [{ 'com.docker.swarm.reschedule-policies': '["on-node-failure"]' }, false],
  [{ 'com.docker.swarm.id': '1' }, false],
])('containers with labels %o are rescheduled: %s', (labels, expected) => {
  expect(isRescheduled(held('a', 'x@1', { labels }))).toBe(expected)
})
