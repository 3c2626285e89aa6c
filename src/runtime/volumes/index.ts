export type { VolumeDevice, VolumeMounter } from './local-driver.ts'
export { createVolumeStore, type VolumeStore, type VolumeStoreOptions, type VolumeStorePorts } from './volume-store.ts'
