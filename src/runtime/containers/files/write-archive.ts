import { addAbortListener } from 'node:events'
import { accessSync, constants, fstatSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { cleanPath } from '../../../core/clean-path.ts'
import { errorCode, ShoalError } from '../../../core/errors.ts'
import type { WriteArchiveOptions } from '../../../docker-api/index.ts'
import { LAYER_LIMITS, unpackArchive } from '../../images/index.ts'
import { type HeldDirectory, splitInside } from '../../linux/files/fd-path.ts'
import { userInside } from '../life/bundle.ts'
import { emitContainer, type Room } from '../room.ts'
import { type HeldFiles, holdFiles } from './hold-files.ts'
import { holdTarget } from './locate.ts'

export interface WriteRequest extends WriteArchiveOptions {
  readonly path: string
  readonly archive: Readable
  readonly signal: AbortSignal
}

/** `PUT /containers/{id}/archive`. What was written before a failure stays. */
export async function writeArchive(room: Room, reference: string, request: WriteRequest): Promise<void> {
  await using files = await holdFiles(room, reference)
  const { path, archive, signal, noOverwriteDirNonDir = false } = request
  {
    using target = holdTarget(files.root, path, reference)
    checkWritable(files.root, target)
  }
  const owner = request.copyUIDGID === true ? ownerOf(files) : undefined
  // Also ends the wait for the first bytes of somebody who never sends any.
  using _listening = addAbortListener(signal, () => {
    archive.destroy(new DOMException('The copy was given up', 'AbortError'))
  })
  await unpackArchive(archive, files.root.path, {
    limits: LAYER_LIMITS,
    whiteouts: false,
    base: splitInside(cleanPath(path)),
    noOverwriteDirNonDir,
    signal,
    ...(owner === undefined ? {} : { owner }),
  })
  emitContainer(room, files.record, 'extract-to-dir')
}

/** The kernel knows best what is read-only, whatever mount or link led there. */
function checkWritable(root: HeldDirectory, target: HeldDirectory): void {
  try {
    accessSync(`${target.path}/.`, constants.W_OK)
  } catch (error) {
    if (errorCode(error) !== 'EROFS') throw error
    const isRoot = fstatSync(root.fd).dev === fstatSync(target.fd).dev
    const what = isRoot ? 'container rootfs' : 'mounted volume'
    throw new ShoalError('READ_ONLY', 403, `${what} is marked read-only`)
  }
}

function ownerOf({ root, record }: HeldFiles): { uid: number; gid: number } | undefined {
  const user = record.config.User ?? ''
  return user === '' ? undefined : userInside(root.path, user)
}
