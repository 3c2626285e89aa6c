import { join } from 'node:path'

/** Where the container room keeps things; nothing else builds these paths. */
export interface EnginePaths {
  /** `<data>/containers` */
  readonly records: string
  /** `<exec>/containers` */
  readonly bundles: string
  /** `<exec>/execs` */
  readonly execs: string
  /** `<exec>/exits`: conmon leaves an exit code here under the container's id. */
  readonly exits: string
  /** `<exec>/runtime`: the OCI runtime's own state. */
  readonly runtimeState: string
  /** `<exec>/shm`: memory that containers let others share. */
  readonly shm: string
  /** `<exec>/mounts`: mounts within mounts, while a container is being started. */
  readonly staging: string
}

export function enginePaths({
  dataRoot,
  execRoot,
}: {
  readonly dataRoot: string
  readonly execRoot: string
}): EnginePaths {
  return {
    records: join(dataRoot, 'containers'),
    bundles: join(execRoot, 'containers'),
    execs: join(execRoot, 'execs'),
    exits: join(execRoot, 'exits'),
    runtimeState: join(execRoot, 'runtime'),
    shm: join(execRoot, 'shm'),
    staging: join(execRoot, 'mounts'),
  }
}

/** Files of one container's (or exec's) run, in its bundle. */
export function bundleFiles(bundle: string) {
  return {
    config: join(bundle, 'config.json'),
    attach: join(bundle, 'attach'),
    control: join(bundle, 'ctl'),
    pid: join(bundle, 'pid'),
    monitorPid: join(bundle, 'conmon.pid'),
    /** conmon makes it when the kernel killed a process for memory. */
    oom: join(bundle, 'oom'),
  } as const
}

export function logPath(paths: EnginePaths, id: string): string {
  return join(paths.records, id, 'container.log')
}

export function stagingPath(paths: EnginePaths, id: string): string {
  return join(paths.staging, id)
}

export function bundlePath(paths: EnginePaths, id: string): string {
  return join(paths.bundles, id)
}
