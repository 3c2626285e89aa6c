import type { MemberRecord } from '../core/model/node.ts'
import type { SystemInfo } from './resource-types.ts'

type HostFacts = Pick<MemberRecord, 'nanoCpus' | 'memoryBytes' | 'platform' | 'engineVersion' | 'storageDriver'>

/** The part of a member's record that its engine says of its host and of itself. */
export function hostFacts(info: SystemInfo): HostFacts {
  return {
    nanoCpus: info.NCPU * 1e9,
    memoryBytes: info.MemTotal,
    platform: {
      os: info.OSType,
      arch: info.Architecture,
      kernel: info.KernelVersion,
      operatingSystem: info.OperatingSystem,
    },
    engineVersion: info.ServerVersion,
    storageDriver: info.Driver,
  }
}
