export type {
  HistoryEntry,
  ImageStore,
  ImageStorePorts,
  ImageUser,
  LayerRef,
} from './contract.ts'
export { hostPlatform } from './format/platform.ts'
export { createImageStore } from './image-store.ts'
export { imageIdOf } from './new-image.ts'
export { decompressor } from './tar/decompress.ts'
export { isTarHeader, type TarEntry } from './tar/header.ts'
export { packOne, packTree } from './tar/pack.ts'
export { entryTypeOf, type PackOptions, PIECE_BYTES } from './tar/pack-entry.ts'
export { Rooms } from './tar/rooms.ts'
export { TreeWriter } from './tar/tree-writer.ts'
export { unpackArchive } from './tar/unpack.ts'
export { LAYER_LIMITS } from './tar/unpack-error.ts'
