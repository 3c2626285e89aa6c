import { beforeEach, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { ContainerLister } from '../../../src/manager/docker/containers/container-lister.ts'
import type { HeldContainer, Inventory, NodeCondition } from '../../../src/manager/inventory/index.ts'
import { SortedContainers } from '../../../src/manager/inventory/sorted-containers.ts'
import { EMPTY_INVENTORY } from '../empty-inventory.ts'

const ALL = { all: true, limit: 0, filters: {} }
const STARTED_MS = Date.parse('2023-11-14T22:13:20Z')

let clock: ManualClock
let sorted: SortedContainers
let version: number
let condition: NodeCondition
let tellNode: () => void
let lister: ContainerLister

beforeEach(() => {
  clock = new ManualClock(STARTED_MS + 5_500)
  sorted = new SortedContainers()
  version = 0
  condition = 'live'
  const inventory: Inventory = {
    ...EMPTY_INVENTORY,
    version: () => version,
    nodes: () => [{ name: 'n1', condition }] as never,
    containers: () => sorted.blocks.flatMap(({ containers }) => containers),
    blocks: () => sorted.blocks,
    onChange(listener) {
      tellNode = () => listener({ kind: 'node', name: 'n1' })
      return () => {}
    },
  }
  lister = new ContainerLister(inventory, clock)
})

function box(id: string, status: 'running' | 'exited' = 'running'): HeldContainer {
  const at = new Date(STARTED_MS).toISOString()
  const details = { state: { Status: status, StartedAt: at, FinishedAt: at, ExitCode: 3 } }
  return { id, node: 'n1', image: 'app:1', createdMs: Number(id), status, details, line: `{"Id":"${id}"` } as never
}

function add(...containers: readonly HeldContainer[]): void {
  for (const container of containers) sorted.add(container)
  version++
}

const listed = (options = ALL): unknown => JSON.parse(Buffer.concat(lister.list(options)).toString())
const shown = (Id: string, State: string, Status: string) => ({ Id, State, Status })

it('sends the same bytes to all who ask the same, and keeps no more than a few answers for who asks everything', () => {
  const ask = (limit: number): readonly Buffer[] => lister.list({ ...ALL, limit })
  const first = ask(1)
  expect(ask(1)).toBe(first)
  for (let limit = 2; limit <= 100; limit++) ask(limit)
  expect(ask(1)).toBe(first)
  expect(ask(100)).not.toBe(ask(100))
})

it('lists nothing as an empty list', () => {
  expect(listed()).toEqual([])
  add(box('1', 'exited'))
  expect(listed({ ...ALL, all: false })).toEqual([])
})

it('tells of what has changed, of those that run or of all', () => {
  add(box('1', 'exited'), box('2'))
  const down = shown('1', 'exited', 'Exited (3) 5 seconds ago')
  expect(listed()).toEqual([shown('2', 'running', 'Up 5 seconds'), down])
  expect(listed({ ...ALL, all: false })).toEqual([shown('2', 'running', 'Up 5 seconds')])
  add(box('3'))
  expect(listed()).toEqual([shown('3', 'running', 'Up 5 seconds'), shown('2', 'running', 'Up 5 seconds'), down])
  expect(listed({ ...ALL, limit: 1 })).toEqual([shown('3', 'running', 'Up 5 seconds')])
})

it('writes a status anew as time passes, and not before it reads otherwise', async () => {
  add(box('1'))
  expect(listed()).toEqual([shown('1', 'running', 'Up 5 seconds')])
  await clock.advance(4_000)
  expect(listed()).toEqual([shown('1', 'running', 'Up 9 seconds')])
  await clock.advance(60_000)
  expect(listed()).toEqual([shown('1', 'running', 'Up About a minute')])
  const [, written] = lister.list(ALL)
  await clock.advance(30_000)
  expect(lister.list(ALL)[1]).toBe(written)
  await clock.advance(30_000)
  expect(listed()).toEqual([shown('1', 'running', 'Up 2 minutes')])
})

it('writes nothing anew of those that nothing has happened to', () => {
  add(...Array.from({ length: 2_000 }, (_, index) => box(String(index + 1))))
  const before = lister.list(ALL)
  add(box('1000'))
  const anew = lister.list(ALL).filter(part => !before.includes(part))
  expect(anew).toHaveLength(1)
  expect(anew[0]?.length).toBeLessThan(Buffer.concat(before).length / 3)
  expect((listed() as { Id: string }[]).map(({ Id }) => Number(Id))).toEqual(
    Array.from({ length: 2_000 }, (_, index) => 2_000 - index).flatMap(id => (id === 1_000 ? [id, id] : [id])),
  )
})

it('shows what is on a node as unknown as soon as nobody knows how the node is', () => {
  add(box('1'))
  expect(listed()).toEqual([shown('1', 'running', 'Up 5 seconds')])
  condition = 'down'
  version++
  tellNode()
  expect(listed()).toEqual([shown('1', 'unknown', 'Host Down')])
})
