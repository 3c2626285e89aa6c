export type { ContainerDetails, HeldContainer, RunState } from './held-container.ts'
export type { Inventory, InventoryChange, NodeCondition, NodeInventory } from './inventory.ts'
