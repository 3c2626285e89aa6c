export type { VolumeMounter } from './kernel-mounter.ts'
export type { VolumeDevice } from './local-driver.ts'
export type { VolumeStorePorts } from './volume-ports.ts'
export { createVolumeStore, type VolumeStore, type VolumeStoreOptions } from './volume-store.ts'
