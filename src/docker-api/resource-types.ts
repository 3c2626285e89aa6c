/** Wire types of the Docker Engine API for images, networks, volumes and the system. Field names are the wire's. */

import type { ContainerConfig } from './container-types.ts'
import type { EngineFeatures } from './system-types.ts'

export interface ImageSummary {
  readonly Id: string
  readonly ParentId: string
  readonly RepoTags: readonly string[]
  readonly RepoDigests: readonly string[]
  readonly Created: number
  readonly Size: number
  readonly SharedSize: number
  readonly Containers: number
  readonly Labels: Readonly<Record<string, string>> | null
}

export interface ImageInspect {
  readonly Id: string
  readonly RepoTags: readonly string[]
  readonly RepoDigests: readonly string[]
  readonly Parent?: string
  readonly Comment?: string
  readonly Created: string
  /** The engine, and the container as it was set up, that the image was made of, if it says so. */
  readonly DockerVersion?: string
  readonly Container?: string
  readonly ContainerConfig?: ContainerConfig
  readonly Author?: string
  readonly Config: ContainerConfig
  readonly Architecture: string
  readonly Variant?: string
  readonly Os: string
  readonly OsVersion?: string
  readonly Size: number
  /** Where the layers lie on the host. */
  readonly GraphDriver?: { readonly Name: string; readonly Data: Readonly<Record<string, string>> }
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly string[] }
  /** When one of its names was last given to it. Older engines do not tell. */
  readonly Metadata?: { readonly LastTagTime: string }
}

/** One subnet of a network. */
export interface IpamConfig {
  readonly Subnet?: string
  readonly Gateway?: string
  /** Part of the subnet that addresses are chosen from. */
  readonly IPRange?: string
  /** Addresses that other machines have, by any name: no container gets them. */
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>> | null
}

/** A container on a network, as the network shows it. */
export interface NetworkMember {
  readonly Name: string
  readonly EndpointID: string
  readonly MacAddress: string
  /** With its prefix length. */
  readonly IPv4Address: string
  readonly IPv6Address?: string
}

export interface NetworkInspect {
  readonly Name: string
  readonly Id: string
  readonly Created: string
  readonly Scope: string
  readonly Driver: string
  readonly EnableIPv6: boolean
  readonly IPAM: {
    readonly Driver: string
    readonly Options?: Readonly<Record<string, string>> | null
    readonly Config: readonly IpamConfig[]
  }
  readonly Internal: boolean
  readonly Attachable: boolean
  readonly Ingress: boolean
  readonly ConfigFrom?: { readonly Network: string }
  readonly ConfigOnly?: boolean
  /** By container id. Empty in lists. */
  readonly Containers: Readonly<Record<string, NetworkMember>>
  readonly Options: Readonly<Record<string, string>>
  readonly Labels: Readonly<Record<string, string>>
}

export interface NetworkCreateRequest {
  readonly Name: string
  readonly Driver?: string
  readonly Scope?: string
  readonly Internal?: boolean
  readonly CheckDuplicate?: boolean
  readonly Attachable?: boolean
  readonly Ingress?: boolean
  readonly EnableIPv6?: boolean | null
  readonly EnableIPv4?: boolean | null
  readonly ConfigOnly?: boolean
  readonly ConfigFrom?: { readonly Network?: string } | null
  readonly IPAM?: {
    readonly Driver?: string
    readonly Options?: Readonly<Record<string, string>> | null
    readonly Config?: readonly IpamConfig[] | null
  } | null
  readonly Options?: Readonly<Record<string, string>> | null
  readonly Labels?: Readonly<Record<string, string>> | null
}

export interface VolumeInspect {
  readonly Name: string
  readonly Driver: string
  readonly Mountpoint: string
  readonly CreatedAt: string
  readonly Labels: Readonly<Record<string, string>> | null
  readonly Scope: string
  readonly Options: Readonly<Record<string, string>> | null
  /** Only where sizes are asked for: bytes, and how many containers use it. */
  readonly UsageData?: { readonly Size: number; readonly RefCount: number }
}

export interface VolumeCreateRequest {
  readonly Name?: string
  readonly Driver?: string
  readonly DriverOpts?: Readonly<Record<string, string>> | null
  readonly Labels?: Readonly<Record<string, string>> | null
}

export interface VolumesPruned {
  readonly VolumesDeleted: readonly string[] | null
  readonly SpaceReclaimed: number
}

export interface EngineEvent {
  readonly Type: 'container' | 'image' | 'network' | 'volume' | 'daemon'
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
  readonly scope: string
  /** Seconds, and the same instant in nanoseconds. */
  readonly time: number
  readonly timeNano: number
}

/** `GET /info`, the fields that clients use. */
export interface SystemInfo extends EngineFeatures {
  readonly ID: string
  readonly Name: string
  readonly ServerVersion: string
  readonly Containers: number
  readonly ContainersRunning: number
  readonly ContainersPaused: number
  readonly ContainersStopped: number
  readonly Images: number
  readonly Driver: string
  readonly DriverStatus: readonly (readonly [string, string])[]
  readonly SystemStatus?: readonly (readonly [string, string])[]
  readonly NCPU: number
  readonly MemTotal: number
  readonly OperatingSystem: string
  readonly OSType: string
  readonly Architecture: string
  readonly KernelVersion: string
  readonly DockerRootDir: string
  readonly Labels: readonly string[]
  readonly CgroupDriver: string
  readonly CgroupVersion: string
  readonly DefaultRuntime: string
  readonly LoggingDriver: string
  readonly DefaultAddressPools?: readonly { readonly Base: string; readonly Size: number }[]
  readonly SystemTime: string
  readonly ExperimentalBuild: boolean
  readonly Debug: boolean
  readonly Warnings: readonly string[] | null
}

export interface VersionInfo {
  readonly BuildTime?: string
  readonly Version: string
  readonly ApiVersion: string
  readonly MinAPIVersion: string
  readonly GitCommit: string
  readonly GoVersion: string
  readonly Os: string
  readonly Arch: string
  readonly KernelVersion: string
  readonly Platform: { readonly Name: string }
  readonly Components: readonly {
    readonly Name: string
    readonly Version: string
    readonly Details?: Readonly<Record<string, string>>
  }[]
}

/** One line of the JSON stream that pull, push, load and build answer with. */
export interface ProgressMessage {
  readonly status?: string
  readonly id?: string
  readonly progress?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
  readonly stream?: string
  readonly error?: string
  readonly errorDetail?: { readonly code?: number; readonly message: string }
  readonly aux?: Readonly<Record<string, unknown>>
}

export interface RegistryAuth {
  readonly username?: string
  readonly password?: string
  readonly identitytoken?: string
  readonly serveraddress?: string
}
