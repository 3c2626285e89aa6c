import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { failed } from '../../../core/errors.ts'
import type { HostConfig } from '../../../docker-api/index.ts'
import type { CgroupLayout } from '../../linux/process/cgroups.ts'

const FILE = 'cpu.rt_runtime_us'

/**
 * Gives a container's parent group the real-time the container wants: the kernel lets a group have only what its parent has,
 * shared among all its children. Does nothing for a container that wants none. Throws 500 if the machine has not that much left.
 */
export async function grantRealtime(
  { mounts }: Pick<CgroupLayout, 'mounts'>,
  parent: string,
  { CpuRealtimeRuntime = 0 }: HostConfig,
): Promise<void> {
  const tree = mounts.get('cpu')
  if (CpuRealtimeRuntime <= 0 || tree === undefined) return
  const components = parent.split('/').filter(name => name !== '')
  const groups = components.map((_, index) => join(tree, ...components.slice(0, index + 1)))
  try {
    for (const group of groups) {
      await mkdir(group, { recursive: true })
      // A group on the way may hold part of it already; what it has then beyond its need does no harm.
      const needed = (await sumOfChildren(group)) + CpuRealtimeRuntime
      if ((await runtimeOf(group)) < needed) await writeFile(join(group, FILE), String(needed))
    }
  } catch (cause) {
    throw failed(
      'NO_REALTIME_LEFT',
      `The host cannot give ${CpuRealtimeRuntime} us of real-time to the control group ${parent}: ask for less in HostConfig.CpuRealtimeRuntime`,
      { cause },
    )
  }
}

async function sumOfChildren(group: string): Promise<number> {
  const entries = await readdir(group, { withFileTypes: true })
  const children = entries.filter(entry => entry.isDirectory()).map(({ name }) => runtimeOf(join(group, name)))
  return (await Promise.all(children)).reduce((sum, runtime) => sum + runtime, 0)
}

/** 0 for a group that has just been removed. */
async function runtimeOf(group: string): Promise<number> {
  return Number(await readFile(join(group, FILE), 'utf8').catch(() => '0'))
}
