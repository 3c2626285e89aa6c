export { checkRoot } from './check-root.ts'
export { blockDeviceNumbers, grantedDevices } from './host-devices.ts'
export { type HostFacts, readHostFacts } from './host-facts.ts'
export { closeSharedParts, openSharedParts } from './shared-parts.ts'
