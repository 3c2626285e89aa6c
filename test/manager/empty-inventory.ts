import type { Inventory } from '../../src/manager/inventory/index.ts'

/** What a manager knows that follows no node. */
export const EMPTY_INVENTORY: Inventory = {
  nodes: () => [],
  node: () => undefined,
  containers: () => [],
  blocks: () => [],
  named: () => [],
  find: () => [],
  version: () => 0,
  onChange: () => () => {},
  begun: async () => {},
  settled: async () => {},
  imagesSettled: async () => {},
  refresh: async () => {},
  refreshImages: async () => {},
}
