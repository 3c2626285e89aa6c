import { existsSync, statfsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errorMessage, invalidInput } from '../../../core/errors.ts'

/** File systems of the kernel's own, by their magic numbers (statfs(2)). */
const KERNEL_OWN: Readonly<Record<number, string>> = {
  0x9fa0: 'proc',
  0x62656572: 'sysfs',
  0x27e0eb: 'cgroup',
  0x63677270: 'cgroup2',
}

/**
 * Throws 400 `BAD_ROOT` for a directory on a file system of the kernel's own, where none can be made: Node would try for ever,
 * because the kernel says of every name there that it does not exist.
 */
export function refuseKernelOwn(path: string): void {
  let existing = resolve(path)
  while (!existsSync(existing)) existing = dirname(existing)
  const kind = KERNEL_OWN[statfsSync(existing).type]
  if (kind === undefined) return
  throw invalidInput(
    'BAD_ROOT',
    `Cannot use ${path}: ${existing} belongs to the kernel (${kind}); give another directory`,
  )
}

/** Makes a directory that a person named, with those above it. Throws 400 `BAD_ROOT` where none can be. */
export async function makeRoot(path: string, mode: number): Promise<void> {
  refuseKernelOwn(path)
  try {
    await mkdir(path, { recursive: true, mode })
  } catch (cause) {
    throw invalidInput('BAD_ROOT', `Cannot make ${path}: ${errorMessage(cause)}`, { cause })
  }
}
