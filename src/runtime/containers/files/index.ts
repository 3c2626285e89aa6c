export { changesOf } from './changes.ts'
export { exportContainer, readArchive, statPath } from './read-archive.ts'
export { type ContainerSizes, sizesOf, writtenBytes } from './sizes.ts'
export { writeArchive } from './write-archive.ts'
