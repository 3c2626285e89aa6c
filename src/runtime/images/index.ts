export type {
  HistoryEntry,
  ImageStore,
  ImageStoreOptions,
  ImageStorePorts,
  ImageUser,
  LayerRef,
  LayerSource,
  NewImage,
  OverlayRoots,
} from './contract.ts'
export { createImageStore } from './image-store.ts'
