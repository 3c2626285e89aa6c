export { ClusterInventory } from './cluster-inventory.ts'
export { SWARM_ID_LABEL } from './container-index.ts'
export type { ContainerDetails, HeldContainer } from './held-container.ts'
export type { Inventory, InventoryChange, NodeCondition, NodeInventory } from './inventory.ts'
