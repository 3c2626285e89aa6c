export { destroyNetworkStack } from './destroy.ts'
export { createNetworkStack, type NetworkStack, type NetworkStackOptions } from './network-stack.ts'
export { checkConnect, checkDisconnect } from './networks/connect-rules.ts'
export type { LocalNetworks } from './networks/network-operations.ts'
