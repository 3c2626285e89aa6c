export { ContainerEndpoints } from './container-endpoints.ts'
export { withIngressPorts } from './ingress-ports.ts'
export { onNetworks } from './on-networks.ts'
export { Restarts } from './restarts.ts'
