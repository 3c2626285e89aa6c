export { destroyNetworkStack, type LeftoverOptions } from './destroy.ts'
export {
  createNetworkStack,
  type NetworkStack,
  type NetworkStackOptions,
  type NetworkStackPorts,
} from './network-stack.ts'
