import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineOptions } from '../../../src/runtime/index.ts'

const KEPT = /\/images\/(blobs|layers|layer-records|partial)\/./

/**
 * Everything an engine has outside its memory, one line each: files, mounts, interfaces, packet filter rules, cgroups
 * and processes. Two equal lists mean that nothing leaked between them. Blobs and layers are left out: those of a pull or
 * a build that was cut off are kept for the next one, and collected when they are old.
 */
export function remainsOf({ dataRoot, execRoot, cgroupParent = '', bridge }: EngineOptions, table: string): string[] {
  const roots = [dataRoot, execRoot]
  const devicePrefix = table.replace('shoal-', 'v')
  return [
    ...roots
      .flatMap(filesBelow)
      .filter(file => !KEPT.test(file))
      .map(file => `file ${file}`),
    ...mountsBelow(roots).map(mount => `mount ${mount}`),
    ...readdirSync('/sys/class/net')
      .filter(name => name.startsWith(devicePrefix) || name === bridge)
      .map(name => `interface ${name}`),
    ...cgroupsBelow(cgroupParent).map(cgroup => `cgroup ${cgroup}`),
    ...processesNaming(roots).map(line => `process ${line}`),
  ].toSorted()
}

/** The rules of one table; empty if there is no such table. */
export function rulesOf(table: string): string {
  try {
    return execFileSync('nft', ['-s', 'list', 'table', 'ip', table], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return ''
  }
}

/** Names of files; what is mounted below is counted as mounts, and not looked into. */
function filesBelow(root: string): string[] {
  const mounts = new Set(mountsBelow([root]))
  const found: string[] = []
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name)
      found.push(path)
      if (entry.isDirectory() && !mounts.has(path)) visit(path)
    }
  }
  if (existsSync(root)) visit(root)
  return found
}

function mountsBelow(roots: readonly string[]): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(target => roots.some(root => target.startsWith(root)))
}

function cgroupsBelow(parent: string): string[] {
  const hierarchies = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map(name => join('/sys/fs/cgroup', name))]
  return hierarchies.flatMap(hierarchy => {
    const root = join(hierarchy, parent)
    if (parent === '' || !existsSync(root)) return []
    return readdirSync(root, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => join(root, entry.name))
  })
}

/** Monitors, runtimes and whatever else was started with a path below the roots, but for the engine itself. */
function processesNaming(roots: readonly string[]): string[] {
  return readdirSync('/proc').flatMap(pid => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return roots.some(root => line.includes(root)) && !line.includes('crash-program') ? [line] : []
    } catch {
      return []
    }
  })
}
