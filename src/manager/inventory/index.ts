export { ClusterInventory } from './cluster-inventory.ts'
export type { ContainerDetails, HeldContainer } from './held-container.ts'
export { hostPortsOf } from './host-ports.ts'
export type { Inventory, InventoryChange, NodeCondition, NodeInventory } from './inventory.ts'
