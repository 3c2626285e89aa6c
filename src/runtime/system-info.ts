import { readFile } from 'node:fs/promises'
import { arch, availableParallelism, release, totalmem } from 'node:os'
import type { Clock } from '../core/clock.ts'
import { API_VERSION, API_VERSION_MIN, type SystemInfo, type VersionInfo } from '../docker-api/index.ts'
import type { Containers } from './containers/index.ts'

export interface SystemFacts {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly dataRoot: string
  readonly labels: readonly string[]
  readonly containers: Containers
  readonly countImages: () => Promise<number>
  readonly clock: Clock
}

/** `GET /info`. */
export async function systemInfo(facts: SystemFacts): Promise<SystemInfo> {
  const { running, paused, stopped } = facts.containers.counts()
  const { version, hybrid, swap } = facts.containers.cgroups
  return {
    ID: facts.id,
    Name: facts.name,
    ServerVersion: facts.version,
    Containers: running + paused + stopped,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: stopped,
    Images: await facts.countImages(),
    Driver: 'overlay2',
    DriverStatus: [
      ['Backing Filesystem', 'overlayfs'],
      ['Cgroup Layout', hybrid ? 'hybrid' : `v${version}`],
    ],
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    OperatingSystem: await operatingSystem(),
    OSType: 'linux',
    Architecture: machineArchitecture(),
    KernelVersion: release(),
    DockerRootDir: facts.dataRoot,
    Labels: facts.labels,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: version,
    DefaultRuntime: 'runc',
    LoggingDriver: 'json-file',
    SystemTime: new Date(facts.clock.nowMs()).toISOString(),
    ExperimentalBuild: false,
    Debug: false,
    Warnings: swap ? null : ['WARNING: No swap limit support'],
  }
}

/** `GET /version`. */
export async function versionInfo({ version, containers }: SystemFacts): Promise<VersionInfo> {
  const programs = await containers.versions()
  const engine = {
    ApiVersion: API_VERSION,
    MinAPIVersion: API_VERSION_MIN,
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: arch() === 'x64' ? 'amd64' : arch(),
    KernelVersion: release(),
  }
  return {
    ...engine,
    Version: version,
    Platform: { Name: 'Shoal' },
    Components: [
      // The docker CLI shows the details, not the fields above.
      { Name: 'Engine', Version: version, Details: { ...engine, Experimental: 'false' } },
      { Name: 'runc', Version: programs.runtime },
      { Name: 'conmon', Version: programs.conmon },
    ],
  }
}

async function operatingSystem(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? 'Linux'
}

function machineArchitecture(): string {
  const names: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }
  return names[arch()] ?? arch()
}
