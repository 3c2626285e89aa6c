import type { HostFacts } from '../../../src/runtime/containers/host/host-facts.ts'
import type { ContainerRecord } from '../../../src/runtime/containers/record.ts'

/** A container's record with what matters to a test. */
export function aRecord(changes: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    id: 'a'.repeat(64),
    name: 'web',
    createdMs: 1_700_000_000_000,
    imageId: `sha256:${'1'.repeat(64)}`,
    imageName: 'box',
    config: { Cmd: ['sleep', '1'] },
    host: {},
    hostname: 'web',
    networkMode: 'default',
    endpoints: {},
    mounts: [],
    life: { status: 'idle' },
    restartCount: 0,
    restartDelayMs: 0,
    stoppedByHand: false,
    copiedUp: false,
    ...changes,
  }
}

const process = { pid: 42, startTicks: '1', bootId: 'boot' }

export const running = {
  status: 'running',
  process,
  monitor: { ...process, pid: 41 },
  startedAtMs: 1_700_000_000_000,
  paused: false,
} as const

export const ended = {
  startedAtMs: 1_700_000_000_000,
  finishedAtMs: 1_700_000_005_000,
  exitCode: 1,
  oomKilled: false,
  error: '',
}

/** A machine with everything but AppArmor. */
export function someFacts(changes: Partial<HostFacts> = {}): HostFacts {
  return {
    cpus: 2,
    cgroupVersion: '1',
    abilities: {
      memory: true,
      swap: true,
      swappiness: true,
      oomControl: true,
      pids: true,
      cpu: true,
      realtime: true,
      cpuset: true,
      blockIo: true,
      blockIoWeight: true,
    },
    processors: '0-1',
    memoryNodes: '0',
    boundingSet: (1n << 41n) - 1n,
    seccomp: { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] },
    arch: 'x64',
    kernel: '6.1.0-13-amd64',
    hasX32: false,
    initPath: '/usr/bin/tini',
    runtime: 'runc',
    apparmor: { enabled: false, isLoaded: () => false },
    ...changes,
  }
}
