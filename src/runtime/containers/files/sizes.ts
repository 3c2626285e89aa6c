import { sizeOfTree } from '../../linux/files/tree-size.ts'
import type { ContainerRecord } from '../record.ts'
import type { Room } from '../room.ts'
import { upperOf } from './changes.ts'

export interface ContainerSizes {
  /** Bytes of files in the writable layer. */
  readonly SizeRw: number
  /** The same and the bytes of the image. */
  readonly SizeRootFs: number
}

/** What the files of a container take. Files with several names count once. */
export async function sizesOf(room: Room, { id, imageId }: ContainerRecord): Promise<ContainerSizes> {
  const SizeRw = await writtenBytes(room, id)
  return { SizeRw, SizeRootFs: SizeRw + (await room.roots.imageBytes(id, imageId)) }
}

/** Bytes in the writable layer; none before the first run, and none for a container that is removed meanwhile. */
export async function writtenBytes(room: Pick<Room, 'roots'>, id: string): Promise<number> {
  const upper = await upperOf(room, id)
  return upper === undefined ? 0 : sizeOfTree(upper)
}
