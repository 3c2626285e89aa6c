import { expect, it } from 'vitest'
import type { HeldContainer } from '../../../src/manager/inventory/index.ts'
import { SortedContainers } from '../../../src/manager/inventory/sorted-containers.ts'
import { fc } from '../../support/property.ts'

const container = (id: string, createdMs: number): HeldContainer => ({ id, node: 'n1', createdMs }) as HeldContainer
const all = ({ blocks }: SortedContainers): HeldContainer[] => blocks.flatMap(({ containers }) => containers)

it('is in order, the newest first, whatever comes, changes and goes', () => {
  const change = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e'), createdMs: fc.option(fc.nat(5)) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), changes => {
      const sorted = new SortedContainers()
      const present = new Map<string, HeldContainer>()
      for (const { id, createdMs } of changes) {
        const before = present.get(id)
        const now = createdMs === null ? undefined : container(id, createdMs)
        if (before !== undefined && now !== undefined) sorted.replace(before, now)
        else if (before !== undefined) sorted.remove(before)
        else if (now !== undefined) sorted.add(now)
        if (now === undefined) present.delete(id)
        else present.set(id, now)
      }
      const wanted = [...present.values()].sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1))
      expect(all(sorted)).toEqual(wanted)
    }),
  )
})

it('a container whose time is none goes from the list, and keeps no other there', () => {
  const sorted = new SortedContainers()
  const boxes = [3, 1, Number.NaN, 2, 5, Number.NaN, 4].map((createdMs, index) => container(String(index), createdMs))
  for (const box of boxes) sorted.add(box)
  for (const box of boxes) sorted.remove(box)
  expect(all(sorted)).toEqual([])
})

it('stands in few blocks, of which a change touches one or two, however many come and go', () => {
  const sorted = new SortedContainers()
  const boxes = Array.from({ length: 10_000 }, (_, index) => container(String(index), (index * 7_919) % 10_007))
  for (const box of boxes) sorted.add(box)
  const versions = () => new Map(sorted.blocks.map(block => [block, block.version]))
  const before = versions()
  sorted.replace(boxes[5_000] as HeldContainer, container('5000', 3))
  const changed = [...versions()].filter(([block, version]) => before.get(block) !== version)
  expect(changed.length).toBeLessThanOrEqual(2)
  expect(all(sorted).map(({ createdMs }) => createdMs)).toEqual(
    all(sorted)
      .map(({ createdMs }) => createdMs)
      .sort((a, b) => b - a),
  )
  for (const box of all(sorted).slice(100)) sorted.remove(box)
  expect(all(sorted)).toHaveLength(100)
  expect(sorted.blocks.length).toBeLessThanOrEqual(2)
})
