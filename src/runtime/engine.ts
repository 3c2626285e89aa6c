import type { Clock } from '../core/clock.ts'
import { unsupported } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { Engine } from '../docker-api/index.ts'
import type { NameSource } from './ports.ts'

/** What distinguishes one engine from another on the same machine. Names and meanings are dockerd's flags. */
export interface EngineOptions {
  /** The engine's name, as `GET /info` gives it. */
  readonly name: string
  /** Images, containers and volumes: survives a reboot. One engine at a time. */
  readonly dataRoot: string
  /** Sockets, pid files and mounts of running containers: need not survive a reboot. */
  readonly execRoot: string
  /** Bridge of the default network; absent: one named after the data root. */
  readonly bridge?: string
  /** Address and prefix of that bridge, such as 172.17.0.1/16. */
  readonly bip?: string
  readonly mtu?: number
  /** Parent of the containers' control groups; absent: `/shoal/<hash of the data root>`. */
  readonly cgroupParent?: string
  readonly insecureRegistries: readonly string[]
  readonly registryMirrors: readonly string[]
  readonly labels: readonly string[]
  /** False leaves the packet filter alone (dockerd's --iptables=false): no published ports, no address translation. */
  readonly manageFirewall: boolean
  /** OCI runtime: a name found in PATH or a path; absent: runc. */
  readonly runtime?: string
}

export interface EnginePorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Names outside this engine, asked by its DNS server. */
  readonly names?: NameSource
}

export interface EmbeddedEngine extends Engine {
  /** Lets go of everything but the containers: they keep running, and the next engine on these roots adopts them. */
  readonly close: () => Promise<void>
  readonly setNameSource: (names: NameSource) => void
}

/**
 * Opens the engine on its roots: takes the lock, adopts running containers, finishes or undoes what a killed
 * predecessor left half done.
 *
 * Throws DATA_ROOT_LOCKED (another engine has these roots) and DATA_ROOT_FORMAT (made by an incompatible version).
 */
export async function createEngine(options: EngineOptions, ports: EnginePorts): Promise<EmbeddedEngine> {
  void ports
  throw unsupported('NOT_WIRED', `Cannot open the engine on ${options.dataRoot}: its parts are not wired yet`)
}
