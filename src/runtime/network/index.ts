export { destroyNetworkStack } from './destroy.ts'
export { createNetworkStack, type NetworkStack } from './network-stack.ts'
export { checkConnect, checkDisconnect } from './networks/connect-rules.ts'
export type { LocalNetworks } from './networks/network-operations.ts'
