import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/core/log.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { ClusterInventory } from '../../../src/manager/inventory/index.ts'
import { memberRecord } from '../support.ts'
import { job, TestNode, web } from './test-node.ts'

let clock: ManualClock
let end: AbortController

beforeEach(() => {
  clock = new ManualClock(Date.parse('2023-11-15T03:13:20Z'))
  end = new AbortController()
})
afterEach(() => end.abort())

async function follow(nodes: ReadonlyMap<string, TestNode>): Promise<ClusterInventory> {
  const members = new Map([...nodes.keys()].map(name => [name, memberRecord(name)]))
  const inventory = new ClusterInventory({
    clock,
    log: silentLog,
    engines: ({ name }) => (nodes.get(name) ?? new TestNode([])).engine,
    members: () => members,
    isKnown: () => true,
  })
  void inventory.run(end.signal)
  await clock.advance(100)
  return inventory
}

describe('a full list', () => {
  it('is told of to nobody where it says what is known already', async () => {
    const node = new TestNode([web(), job()])
    const inventory = await follow(new Map([['n1', node]]))
    const heard: string[] = []
    inventory.onChange(change => void (change.kind === 'container' && heard.push(change.now?.name ?? 'gone')))
    await clock.advance(61_000)
    expect(node.lists).toBe(2)
    expect(heard).toEqual([])
    node.boxes = [{ ...web(), labels: { app: 'other' } }, job()]
    await clock.advance(60_000)
    expect(heard).toEqual(['web'])
    expect(inventory.named('web').map(({ labels }) => labels)).toEqual([{ app: 'other' }])
  })

  it('of an engine of ours tells all, and nobody is asked for each container', async () => {
    const node = new TestNode([web(), job()])
    node.isOurs = true
    const inventory = await follow(new Map([['n1', node]]))
    const heard: string[] = []
    inventory.onChange(change => void (change.kind === 'container' && heard.push(change.now?.status ?? 'gone')))
    const held = inventory.named('web')
    expect(held).toMatchObject([{ details: { nanoCpus: 1e9, memoryBytes: 1_024, state: { Status: 'running' } } }])
    await clock.advance(61_000)
    expect(heard).toEqual([])
    expect(inventory.named('web')).toEqual(held)
    node.boxes = [{ ...web(), status: 'exited' }, job()]
    await clock.advance(60_000)
    expect(heard).toEqual(['exited'])
    expect(inventory.named('web')).toMatchObject([{ details: { state: { Status: 'exited' } } }])
    expect({ lists: node.lists, inspects: node.inspects }).toEqual({ lists: 3, inspects: 0 })
  })

  it('of each node comes at a time of its own, though all were met at once', async () => {
    const nodes = ['n1', 'n2', 'n3', 'n4'].map(name => [name, new TestNode([])] as const)
    await follow(new Map(nodes))
    const lists = (): number[] => nodes.map(([, node]) => node.lists)
    expect(lists()).toEqual([1, 1, 1, 1])
    await clock.advance(38_000)
    expect(lists()).toEqual([1, 1, 1, 2])
    await clock.advance(15_000)
    expect(lists()).toEqual([1, 2, 2, 2])
    await clock.advance(60_000)
    expect(lists()).toEqual([2, 3, 3, 3])
  })
})
