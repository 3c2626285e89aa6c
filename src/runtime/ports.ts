import type {
  ContainerConfig,
  ContainerCreateRequest,
  EndpointConfig,
  EndpointSettings,
  MountPoint,
  PortMap,
} from '../docker-api/index.ts'
import type { HeldDirectory } from './linux/files/fd-path.ts'

/** What the rooms of the runtime ask of each other. `containers/` calls; the named folder implements. */

export interface ResolvedImage {
  /** Digest of the image's config. */
  readonly id: string
  readonly config: ContainerConfig
  /** What whoever makes a container of it should know, as Docker words it. */
  readonly warnings?: readonly string[]
}

/** Implemented by `images/`: root file systems of containers. Everything is idempotent by container id. */
export interface ContainerRoots {
  /** By name or id. Throws 404 `No such image: x`, or that it is for another platform than the one asked for, 400 for a bad one. */
  readonly resolve: (reference: string, options?: { readonly platform?: string }) => Promise<ResolvedImage>
  /** Ids of the image and of all that were made from it on this engine. */
  readonly descendants: (imageId: string) => ReadonlySet<string>
  /** Mounts the image's layers with a writable layer on top; resolves with the path of the root. */
  readonly mount: (containerId: string, imageId: string) => Promise<string>
  readonly unmount: (containerId: string) => Promise<void>
  /** Unmounts and deletes the writable layer. */
  readonly remove: (containerId: string) => Promise<void>
  /** The directory that holds what the container changed, an overlay's upper one. Throws NO_SUCH_ROOT before its first mount. */
  readonly changes: (containerId: string) => Promise<string>
  /** Holds the files of the container's image as they were, read-only. */
  readonly holdImage: (containerId: string, imageId: string) => Promise<HeldDirectory>
  /** Directories of the container's overlay, as Docker's GraphDriver.Data names them; they need not be there yet. */
  readonly places: (containerId: string, imageId: string) => Readonly<Record<string, string>>
  /** Bytes of the image below the writable layer. */
  readonly imageBytes: (containerId: string, imageId: string) => Promise<number>
  /** Containers that have a writable layer on disk, so that leftovers can be found after a crash. */
  readonly list: () => Promise<readonly string[]>
}

/** A container as far as its networks go. */
export interface Joined {
  readonly id: string
  readonly running: boolean
  /** HostConfig.NetworkMode, with a full id after `container:`. */
  readonly networkMode: string
  /** Names of the networks it is on, or will be when it runs. */
  readonly networks: readonly string[]
}

/** A network mode: the container left the network it was made for, and is on those of its endpoints alone. */
export const NO_NETWORKS = '-'

export interface CommitRequest {
  readonly containerId: string
  /** The image the container was made from. */
  readonly imageId: string
  readonly config: ContainerConfig
  /** The container's own, of which the image tells. */
  readonly containerConfig: ContainerConfig
  /** How the history tells of the new layer. */
  readonly createdBy: string
  readonly name?: string
  readonly comment?: string
  readonly author?: string
  /** False: nothing was changed, and the image gets no layer of its own. */
  readonly changed: boolean
  /** Paths of the writable layer that are not content. */
  readonly skips: (path: string) => boolean
}

/** Implemented with `images/` and `build/`: images made of containers. */
export interface ImageCommits {
  /** Dockerfile instructions, one each, on a config. Throws 400 for those that change files. */
  readonly applyChanges: (config: ContainerConfig, changes: readonly string[]) => ContainerConfig
  /** Resolves with the image's id. The container's root was mounted once. */
  readonly commit: (request: CommitRequest) => Promise<string>
}

export interface SandboxRequest {
  readonly containerId: string
  /** Without the leading slash. */
  readonly containerName: string
  readonly hostname: string
  readonly domainname: string
  /** `default`, `bridge`, `host`, `none`, `container:<id>`, a network's name or id, or `NO_NETWORKS`. */
  readonly networkMode: string
  readonly endpoints: Readonly<Record<string, EndpointConfig>>
  readonly portBindings: PortMap
  readonly publishAllPorts: boolean
  readonly exposedPorts: readonly string[]
  readonly dns: readonly string[]
  readonly dnsSearch: readonly string[]
  readonly dnsOptions: readonly string[]
  readonly extraHosts: readonly string[]
  /** Containers of the default network that this one knows by name: `<name or id>[:alias]`. */
  readonly links?: readonly string[]
  /** Its variables, for containers that are linked to it: `NAME=value`. */
  readonly environment?: readonly string[]
  /** Of its first network's device. */
  readonly macAddress?: string
  readonly sysctls: Readonly<Record<string, string>>
}

export interface Sandbox {
  readonly id: string
  /** The network namespace to join; absent for `host`. */
  readonly netnsPath?: string
  readonly networks: Readonly<Record<string, EndpointSettings>>
  /** Host ports that are really bound. */
  readonly ports: PortMap
  /** Variables about the containers it is linked to: `DB_PORT=tcp://172.17.0.2:6379`. */
  readonly environment?: readonly string[]
  /** Files on the host to bind over /etc/hostname, /etc/hosts and /etc/resolv.conf. */
  readonly files: { readonly hostname: string; readonly hosts: string; readonly resolvConf: string }
}

/** Implemented by `network/`. Everything is idempotent by container id. */
export interface NetworkSandboxes {
  /** Throws before anything is made, for what no network could give: the syntax of ports, addresses, hosts. */
  readonly check: (request: SandboxRequest) => void
  /** Makes (or finds) the namespace, interfaces, addresses, port rules, names and files of a container. */
  readonly open: (request: SandboxRequest) => Promise<Sandbox>
  /** Undoes all of it. A container without a sandbox is fine. */
  readonly close: (containerId: string) => Promise<void>
  /** Other containers find it by this name from now on. One that is not open is fine. */
  readonly rename: (containerId: string, name: string) => void
  /** What a sandbox holds now; undefined if it is not open. */
  readonly get: (containerId: string) => Sandbox | undefined
  /** Id of the network that a name or an id means now; undefined if there is none. */
  readonly networkId: (reference: string) => string | undefined
  /** After a restart of the engine: keeps the sandboxes of containers that run, removes every other one of ours. */
  readonly restore: (running: readonly SandboxRequest[]) => Promise<void>
}

/** A mount as `containers/` writes it into the OCI spec. */
export interface PreparedMount {
  readonly point: MountPoint
  /** OCI mount: type, source on the host, options. */
  readonly type: 'bind' | 'tmpfs'
  readonly source: string
  readonly destination: string
  readonly options: readonly string[]
  /** A fresh volume that takes over the image's content at `destination`. */
  readonly copyUp: boolean
  /** The part of the volume that `enter` makes `source` of. */
  readonly subpath?: string
  /** Docker does not list it among the container's mounts (`--tmpfs`). */
  readonly unlisted?: boolean
}

/** Another container whose mounts are taken over. */
export interface MountsOrigin {
  readonly mounts: readonly PreparedMount[]
  readonly readOnly: boolean
}

/** Implemented by `volumes/`. */
export interface ContainerMounts {
  /** Reads Binds, Mounts, Tmpfs, Volumes and the image's volumes; makes missing volumes; nothing is mounted yet. */
  readonly prepare: (
    containerId: string,
    request: ContainerCreateRequest,
    image: ContainerConfig,
    origins?: readonly MountsOrigin[],
  ) => Promise<readonly PreparedMount[]>
  /** Before a run: mounts the devices and the subpaths of the container's volumes. Repeating it is harmless. */
  readonly enter: (containerId: string, mounts: readonly PreparedMount[]) => Promise<void>
  /** A run that an earlier engine began goes on. */
  readonly adopt: (containerId: string, mounts: readonly PreparedMount[]) => void
  /** After a run: unmounts what no other container uses. Repeating it is harmless. */
  readonly leave: (containerId: string) => Promise<void>
  /**
   * Copies what the image has at the mount's destination into the fresh volume; `rootPath` is the container's mounted root.
   * Does nothing if `copyUp` is false or the image has nothing there, or the volume's device is not mounted: it is filled when it
   * is. Safe to repeat after a crash.
   */
  readonly copyUp: (rootPath: string, mount: PreparedMount) => Promise<void>
  /** Forgets the container's use of its volumes; `anonymous` also deletes those made for it alone. */
  readonly release: (containerId: string, options: { readonly anonymous: boolean }) => Promise<void>
}

/** A datagram that asks whether somebody looks after this host's containers, and the one that says so, sent to the same port. */
export interface Pulse {
  readonly address: string
  readonly port: number
  readonly ask: string
  readonly answer: string
}

/**
 * Names that the engine's DNS server does not know itself: the agent answers with the cluster's. Asked for queries from
 * containers on the given network; undefined means "not mine", an empty list "exists, but nothing healthy".
 */
export interface NameSource {
  readonly lookup: (network: string, name: string) => readonly string[] | undefined
  /** Every name of a network, in small letters, with what `lookup` answers. Absent: nothing of it outlives the engine. */
  readonly all?: (network: string) => ReadonlyMap<string, readonly string[]>
  /** Who answers for names in the engine's place answers this too. */
  readonly pulse?: Pulse
  /** Calls the listener after names may have changed. */
  readonly onChange?: (listener: () => void) => void
  /**
   * Queries wait until it resolves: what an agent that starts has not read yet must not be told to be unknown, which
   * programs take for final. Whoever gives it bounds it. Absent: the names are there.
   */
  readonly ready?: Promise<void>
}
