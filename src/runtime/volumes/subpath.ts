import { closeSync, fstatSync } from 'node:fs'
import { mkdir, readdir, rmdir, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode, failed, invalidInput } from '../../core/errors.ts'
import { holdDirectory, O_PATH, openInside, splitInside } from '../linux/files/fd-path.ts'
import type { VolumeMounter } from './kernel-mounter.ts'

/** `VolumeOptions.Subpath` as it is asked for; what links in the volume make of it is seen when it is mounted. */
export function checkSubpath(subpath: string, source: string | undefined): string {
  const bad = (why: string): Error => invalidInput('BAD_MOUNT', `invalid mount config for type "volume": ${why}`)
  if (!source) throw bad('must not set Subpath when using anonymous volumes')
  const leaves = subpath.startsWith('/') || splits(subpath) === undefined
  if (leaves) throw bad('subpath must be a relative path within the volume')
  return subpath
}

function splits(subpath: string): readonly string[] | undefined {
  try {
    return splitInside(subpath)
  } catch {
    return undefined
  }
}

/**
 * Binds a part of a volume to `target`. The part is opened below the volume's root, so that links which a container has put
 * there lead nowhere else, and what was opened is what is bound, whatever happens to the name meanwhile.
 */
export async function mountSubpath(
  volume: { readonly data: string; readonly subpath: string },
  target: string,
  mounter: VolumeMounter,
): Promise<void> {
  if (await mounter.isMounted(target)) return
  using root = holdDirectory(volume.data)
  const fd = openPart(root, volume)
  try {
    await makeTarget(target, fstatSync(fd).isDirectory())
    mounter.bind(`/proc/self/fd/${fd}`, target)
  } finally {
    closeSync(fd)
  }
}

function openPart(
  root: ReturnType<typeof holdDirectory>,
  { data, subpath }: { data: string; subpath: string },
): number {
  try {
    return openInside(root, subpath, O_PATH)
  } catch (cause) {
    const why = errorCode(cause) === 'ENOENT' ? 'no such file or directory' : (errorCode(cause) ?? '')
    throw failed('SUBPATH_MISSING', `cannot access path ${join(data, subpath)}: lstat ${join(data, subpath)}: ${why}`)
  }
}

async function makeTarget(target: string, isDirectory: boolean): Promise<void> {
  await removeTarget(target)
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  if (isDirectory) await mkdir(target, { mode: 0o700 })
  else await writeFile(target, '', { flag: 'wx', mode: 0o600 })
}

/** Never recursively: were it still mounted, the volume's content would be deleted. */
async function removeTarget(target: string): Promise<void> {
  try {
    await rmdir(target)
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') await unlink(target)
    else if (errorCode(error) !== 'ENOENT') throw error
  }
}

/** Undoes {@link mountSubpath} for everything in a folder. */
export async function unmountSubpaths(folder: string, mounter: VolumeMounter): Promise<void> {
  const names = await namesIn(folder)
  if (names === undefined) return
  for (const name of names) {
    const target = join(folder, name)
    if (await mounter.isMounted(target)) mounter.unmount(target)
    await removeTarget(target)
  }
  await removeTarget(folder)
}

async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
