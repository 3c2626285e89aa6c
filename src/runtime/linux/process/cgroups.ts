import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../../core/errors.ts'

/** How control groups are mounted: all on v1 (also in hybrid mode, where v2 has no controllers), or one v2 tree. */
export interface CgroupLayout {
  readonly version: '1' | '2'
  /** v2 mounted beside v1 without controllers: counts as v1 for limits. */
  readonly hybrid: boolean
  /** Where the tree of each controller (and on v1 of `name=systemd` and `unified`) is mounted; on v2 all have the same place. */
  readonly mounts: ReadonlyMap<string, string>
  /** Whether swap can be limited. */
  readonly swap: boolean
}

/** Reads /proc/self/mountinfo for the control group mounts of this mount namespace. */
export function detectCgroups(): CgroupLayout {
  const layout = parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'), path => readFileSync(path, 'utf8'))
  const memory = layout.mounts.get('memory')
  const swap =
    memory !== undefined && (layout.version === '2' ? true : existsSync(join(memory, 'memory.memsw.limit_in_bytes')))
  return { ...layout, swap }
}

const CONTROLLERS = new Set(['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'hugetlb'])

/** The mounts in the text of a mountinfo file; `read` gives the text of `cgroup.controllers`. Swap is left false. */
export function parseCgroupMounts(mountinfo: string, read: (path: string) => string): CgroupLayout {
  const mounts = new Map<string, string>()
  let unified: string | undefined
  for (const line of mountinfo.split('\n')) {
    const [left = '', right] = line.split(' - ')
    if (right === undefined) continue
    const target = left.split(' ')[4] ?? ''
    const [type, , options = ''] = right.split(' ')
    if (type === 'cgroup2') unified ??= target
    if (type !== 'cgroup') continue
    for (const controller of options.split(',')) {
      const isTree = CONTROLLERS.has(controller) || controller.startsWith('name=')
      if (isTree && !mounts.has(controller)) mounts.set(controller, target)
    }
  }
  const hasControllers = [...mounts.keys()].some(name => CONTROLLERS.has(name))
  if (hasControllers || unified === undefined) {
    if (unified !== undefined) mounts.set('unified', unified)
    return { version: '1', hybrid: unified !== undefined, mounts, swap: false }
  }
  const place = unified
  const controllers = read(join(place, 'cgroup.controllers')).trim().split(' ')
  return { version: '2', hybrid: false, mounts: new Map(controllers.map(name => [name, place])), swap: false }
}

/** Every directory that a control group path has in the mounted trees. */
export function cgroupDirectories(layout: CgroupLayout, path: string): string[] {
  return [...new Set(layout.mounts.values())].map(mount => join(mount, path))
}

/** The processes of a control group, those in groups below it too. */
export async function cgroupProcesses(layout: CgroupLayout, path: string): Promise<number[]> {
  const mount = layout.mounts.get('pids') ?? layout.mounts.get('memory') ?? [...layout.mounts.values()][0]
  return mount === undefined ? [] : await processesBelow(join(mount, path))
}

async function processesBelow(directory: string): Promise<number[]> {
  try {
    const own = (await readFile(join(directory, 'cgroup.procs'), 'utf8')).split('\n').filter(line => line !== '')
    const entries = await readdir(directory, { withFileTypes: true })
    const below = await Promise.all(
      entries.filter(entry => entry.isDirectory()).map(entry => processesBelow(join(directory, entry.name))),
    )
    return [...own.map(Number), ...below.flat()].sort((a, b) => a - b)
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes(errorCode(error) ?? '')) return []
    throw error
  }
}

/** Names of the groups directly below a path, in any tree. */
export async function childCgroups(layout: CgroupLayout, path: string): Promise<string[]> {
  const names = await Promise.all(
    cgroupDirectories(layout, path).map(async directory => {
      const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
      return entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
    }),
  )
  return [...new Set(names.flat())]
}

/**
 * Removes a control group from every tree, with the groups below it. Resolves false if one stays because it still has
 * processes.
 */
export async function removeCgroup(layout: CgroupLayout, path: string): Promise<boolean> {
  const gone = await Promise.all(cgroupDirectories(layout, path).map(removeGroup))
  return !gone.includes(false)
}

async function removeGroup(directory: string): Promise<boolean> {
  try {
    await rmdir(directory)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true
    if (!['EBUSY', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw error
  }
  const below = (await readdir(directory, { withFileTypes: true })).filter(entry => entry.isDirectory())
  if (below.length === 0) return false
  const gone = await Promise.all(below.map(entry => removeGroup(join(directory, entry.name))))
  return !gone.includes(false) && removeGroup(directory)
}
