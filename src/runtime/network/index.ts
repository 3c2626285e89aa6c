export { destroyNetworkStack } from './destroy.ts'
export { createNetworkStack, type NetworkStack } from './network-stack.ts'
export type { LocalNetworks } from './networks/network-operations.ts'
