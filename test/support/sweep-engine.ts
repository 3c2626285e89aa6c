import { execFileSync } from 'node:child_process'
import { readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { unmount } from '../../src/runtime/linux/mount.ts'

/** What an engine that has ended, and whose containers are gone, leaves on the machine. */
export interface EngineRemains {
  readonly directory: string
  readonly bridge: string
  /** Its table in the packet filter. */
  readonly table: string
  readonly cgroup: string
}

/** Removes mounts, bridge, packet filter tables and cgroups; what is not there is fine. The directory stays. */
export async function sweepEngine({ directory, bridge, table, cgroup }: EngineRemains): Promise<void> {
  await unmountBelow(directory)
  quietly('ip', ['link', 'delete', bridge])
  for (const family of ['ip', 'ip6']) quietly('nft', ['delete', 'table', family, table])
  await removeCgroups(cgroup)
}

async function unmountBelow(directory: string): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  const targets = table.split('\n').map(line => line.split(' ')[4] ?? '')
  for (const target of targets.filter(path => path.startsWith(directory)).toReversed()) unmount(target)
}

async function removeCgroups(path: string): Promise<void> {
  for (const hierarchy of ['', ...(await readdir('/sys/fs/cgroup'))]) {
    await rmdir(join('/sys/fs/cgroup', hierarchy, path)).catch(() => {})
  }
}

function quietly(command: string, argv: readonly string[]): void {
  try {
    execFileSync(command, argv, { stdio: 'ignore', timeout: 10_000 })
  } catch {
    // It was not there.
  }
}
