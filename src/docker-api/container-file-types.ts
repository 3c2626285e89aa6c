/** Wire types of what the API says of a container's files, limits and use of the machine. Source: Docker's API reference. */

import type { Readable } from 'node:stream'
import type { ContainerConfig, HostConfig, RestartPolicy } from './container-types.ts'

/** What lies at a path in a container; the header `X-Docker-Container-Path-Stat` carries it as JSON in base64. */
export interface PathStat {
  readonly name: string
  readonly size: number
  /** Go's `os.FileMode`: permission bits, with the type in the high bits. */
  readonly mode: number
  readonly mtime: string
  /** Where a symbolic link leads in the container; empty for everything else. */
  readonly linkTarget: string
}

/** A tar that is made while it is read. Who is done with a piece may give its memory back, to be used for a later one. */
export interface ArchiveStream extends Readable {
  readonly giveBack?: (piece: Buffer) => void
}

/** `docker diff`: 0 modified, 1 added, 2 deleted. */
export interface FilesystemChange {
  readonly Path: string
  readonly Kind: 0 | 1 | 2
}

export interface WriteArchiveOptions {
  /** Refuse to replace a directory by something else, and the other way round. */
  readonly noOverwriteDirNonDir?: boolean
  /** What is written belongs to the container's user. */
  readonly copyUIDGID?: boolean
}

export interface CommitOptions {
  /** Name of the image; absent: none. */
  readonly repo?: string
  readonly tag?: string
  readonly comment?: string
  readonly author?: string
  /** Hold the container's processes meanwhile; absent: true. */
  readonly pause?: boolean
  /** Dockerfile instructions, one a line, that change the config. */
  readonly changes?: readonly string[]
  /** Goes before the container's own config. */
  readonly config?: ContainerConfig
}

/** Limits that `POST /containers/{id}/update` changes; what is absent, empty or 0 stays as it is. */
export type ContainerUpdateRequest = HostConfig & { readonly RestartPolicy?: RestartPolicy }

export interface PruneReport {
  readonly ContainersDeleted: readonly string[] | null
  /** Bytes of the writable layers that were deleted. */
  readonly SpaceReclaimed: number
}

export interface CpuStats {
  readonly cpu_usage: {
    /** Nanoseconds. */
    readonly total_usage: number
    readonly percpu_usage?: readonly number[]
    readonly usage_in_kernelmode: number
    readonly usage_in_usermode: number
  }
  /** Nanoseconds that all processors of the machine have worked or idled. */
  readonly system_cpu_usage?: number
  readonly online_cpus?: number
  readonly throttling_data: {
    readonly periods: number
    readonly throttled_periods: number
    readonly throttled_time: number
  }
}

export interface MemoryStats {
  readonly usage?: number
  readonly max_usage?: number
  readonly stats?: Readonly<Record<string, number>>
  readonly failcnt?: number
  /** The machine's memory if the container has no limit. */
  readonly limit?: number
}

export interface BlkioEntry {
  readonly major: number
  readonly minor: number
  readonly op: string
  readonly value: number
}

export interface NetworkStats {
  readonly rx_bytes: number
  readonly rx_packets: number
  readonly rx_errors: number
  readonly rx_dropped: number
  readonly tx_bytes: number
  readonly tx_packets: number
  readonly tx_errors: number
  readonly tx_dropped: number
}

export type BlkioStats = Readonly<
  Record<
    | 'io_service_bytes_recursive'
    | 'io_serviced_recursive'
    | 'io_queue_recursive'
    | 'io_service_time_recursive'
    | 'io_wait_time_recursive'
    | 'io_merged_recursive'
    | 'io_time_recursive'
    | 'sectors_recursive',
    readonly BlkioEntry[] | null
  >
>

/** `GET /containers/{id}/stats`: one sample, with the processor times of the one before. */
export interface ContainerStats {
  readonly read: string
  readonly preread: string
  readonly pids_stats: { readonly current?: number; readonly limit?: number }
  readonly blkio_stats: BlkioStats
  readonly num_procs: number
  readonly storage_stats: object
  readonly cpu_stats: CpuStats
  readonly precpu_stats: CpuStats
  readonly memory_stats: MemoryStats
  /** With a leading slash. */
  readonly name: string
  readonly id: string
  readonly networks?: Readonly<Record<string, NetworkStats>>
}
