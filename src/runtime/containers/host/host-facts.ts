import { existsSync, readFileSync } from 'node:fs'
import { arch, availableParallelism, release } from 'node:os'
import { basename } from 'node:path'
import { type CgroupAbilities, cgroupAbilities } from '../../linux/process/cgroup-abilities.ts'
import type { CgroupLayout } from '../../linux/process/cgroups.ts'
import { findProgram } from '../../linux/process/run-command.ts'
import { kernelHasX32 } from '../../linux/process/x32.ts'
import { readDefaultProfile } from '../seccomp/index.ts'
import type { SpecFacts } from '../spec/build-oci-spec.ts'
import { parseBoundingSet } from '../spec/capabilities.ts'

const INIT_PROGRAMS = ['docker-init', 'tini-static', 'tini', 'catatonit']
const APPARMOR_PROFILES = '/sys/kernel/security/apparmor/profiles'

/** Facts of this machine that a container's wishes are held against. */
export interface HostFacts extends SpecFacts {
  readonly cpus: number
  readonly abilities: CgroupAbilities
  /** Numbers of processors and memory nodes, as the kernel writes them: `0-3,8`. */
  readonly processors: string
  readonly memoryNodes: string
  /** Init binary for HostConfig.Init; undefined if none is installed. */
  readonly initPath: string | undefined
  /** Name of the OCI runtime. */
  readonly runtime: string
  /** Whether the kernel has AppArmor, and whether it has this profile. */
  readonly apparmor: { readonly enabled: boolean; readonly isLoaded: (profile: string) => boolean }
}

export async function readHostFacts(
  cgroups: CgroupLayout,
  { runtime: runtimePath, initPath }: { readonly runtime: string; readonly initPath?: string },
): Promise<HostFacts> {
  return {
    cpus: availableParallelism(),
    cgroupVersion: cgroups.version,
    abilities: cgroupAbilities(cgroups),
    processors: readLine('/sys/devices/system/cpu/online'),
    memoryNodes: readLine('/sys/devices/system/node/online'),
    boundingSet: parseBoundingSet(readLine('/proc/self/status')),
    seccomp: await readDefaultProfile(basename(runtimePath)),
    arch: arch(),
    kernel: release(),
    hasX32: kernelHasX32(),
    initPath: initPath ?? INIT_PROGRAMS.map(findProgram).find(path => path !== undefined),
    runtime: basename(runtimePath),
    apparmor: {
      enabled: readLine('/sys/module/apparmor/parameters/enabled') === 'Y',
      isLoaded: profile =>
        readLine(APPARMOR_PROFILES)
          .split('\n')
          .some(line => line.startsWith(`${profile} (`)),
    },
  }
}

/** Empty if the kernel has no such file. */
function readLine(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
}
