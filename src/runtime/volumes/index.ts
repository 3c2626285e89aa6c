export type { VolumeMounter } from './kernel-mounter.ts'
export type { VolumeDevice } from './local-driver.ts'
export { createVolumeStore, type VolumeStore, type VolumeStoreOptions, type VolumeStorePorts } from './volume-store.ts'
