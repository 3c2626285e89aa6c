import type { ImageInspect, NetworkInspect, SystemInfo, VolumeInspect } from '../docker-api/index.ts'

const TIME = '2024-01-01T00:00:00Z'

/** What every simulated engine says of itself. */
export const ENGINE_INFO: SystemInfo = {
  ID: '',
  Name: '',
  ServerVersion: '1.0.0',
  Containers: 0,
  ContainersRunning: 0,
  ContainersPaused: 0,
  ContainersStopped: 0,
  Images: 0,
  Driver: 'simulated',
  DriverStatus: [],
  NCPU: 4,
  MemTotal: 8 * 2 ** 30,
  OperatingSystem: 'Simulated',
  OSType: 'linux',
  Architecture: 'x86_64',
  KernelVersion: '6.0',
  DockerRootDir: '/',
  Labels: [],
  CgroupDriver: 'cgroupfs',
  CgroupVersion: '2',
  DefaultRuntime: 'simulated',
  LoggingDriver: 'json-file',
  SystemTime: TIME,
  ExperimentalBuild: false,
  Debug: false,
  Warnings: null,
}

export function inspectNetwork(name: string): NetworkInspect {
  return {
    Name: name,
    Id: name,
    Created: TIME,
    Scope: 'local',
    Driver: 'bridge',
    EnableIPv6: false,
    IPAM: { Driver: 'default', Config: [] },
    Internal: false,
    Attachable: false,
    Ingress: false,
    Containers: {},
    Options: {},
    Labels: {},
  }
}

export function inspectVolume(name: string): VolumeInspect {
  return { Name: name, Driver: 'local', Mountpoint: '', CreatedAt: TIME, Labels: {}, Scope: 'local', Options: null }
}

export function inspectImage(name: string): ImageInspect {
  return {
    Id: name,
    RepoTags: [name],
    RepoDigests: [],
    Created: TIME,
    Architecture: 'amd64',
    Os: 'linux',
    Size: 0,
    Config: {},
    RootFS: { Type: 'layers', Layers: [] },
  }
}
