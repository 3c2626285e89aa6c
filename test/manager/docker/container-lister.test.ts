import { expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { ContainerLister } from '../../../src/manager/docker/containers/list-containers.ts'
import type { Inventory } from '../../../src/manager/inventory/index.ts'

it('sends the same bytes to all who ask the same, and keeps no more than a few answers for who asks everything', () => {
  const inventory = { version: () => 1, nodes: () => [], containers: () => [] } as unknown as Inventory
  const lister = new ContainerLister(inventory, new ManualClock())
  const ask = (limit: number): Buffer => lister.list({ all: true, limit, filters: {} })
  const first = ask(1)
  expect(ask(1)).toBe(first)
  for (let limit = 2; limit <= 100; limit++) ask(limit)
  expect(ask(1)).toBe(first)
  expect(ask(100)).not.toBe(ask(100))
})
