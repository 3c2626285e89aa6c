import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { Machine, MachineState, Settings } from '../model/machine.ts'
import type { CacheWait } from '../ports.ts'
import type { RemoteResult } from '../ssh/transport.ts'

/** A flag of a driver, and of `machine create`. Its name begins with the driver's, as all drivers' flags stand in one list. */
export interface DriverFlag {
  readonly name: string
  readonly type: 'text' | 'number' | 'switch' | 'list'
  readonly summary: string
  /** Read where the flag is not given. */
  readonly env?: string
  readonly preset?: string | number
  readonly required?: boolean
  /** Never shown, and kept in a file of its own that only its owner may read. */
  readonly secret?: boolean
}

/** How a machine is reached over SSH. */
export interface SshTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  /**
   * A private key, in the machine's own folder unless it begins with a slash; absent: what ssh's configuration and the agent
   * offer.
   */
  readonly keyPath?: string
  /** Its host key, where the driver made it, as `SHA256:…`; absent: the person says, or the first contact does. */
  readonly hostKey?: string
}

/** Where a machine is. */
export interface Whereabouts {
  /** A name or an address without a port; for `none`, what its URL says. */
  readonly address: string
  /** Of its engine: `tcp://10.0.0.5:2376`. */
  readonly url: string
  readonly ssh?: SshTarget
}

/** What of the world drivers use. */
export interface DriverPorts {
  readonly clock: Clock
  readonly random: Random
  /** For programs that are started. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Requests to the interfaces of clouds. */
  readonly request: typeof fetch
  /** Whether something accepts TCP connections there. Does not reject but when cancelled. */
  readonly isReachable: (host: string, port: number, signal: AbortSignal) => Promise<boolean>
  /** Whether an SSH server greets there. Does not reject but when cancelled. */
  readonly greetsBySsh: (host: string, port: number, signal: AbortSignal) => Promise<boolean>
  /** Runs a command on the machine as root, over SSH. Absent where nothing is to be done to it. */
  readonly asRoot?: (words: readonly string[], signal: AbortSignal) => Promise<RemoteResult>
  /** The machine's own folder in the store; it need not be there yet. */
  readonly folder: string
  /** What machines share and can be made again: images. It need not be there yet. */
  readonly cacheFolder: string
  /** Does work on what is in there under a name while nobody else does; `onWait` hears, once, for which process it waits. */
  readonly cacheExclusively: <T>(name: string, work: () => Promise<T>, wait: CacheWait) => Promise<T>
  /**
   * Keeps, with the machine's record and at once, what was made: ids and addresses. It takes the place of what was kept before,
   * and what is made in several steps is told after each, so that whoever comes after a crash can find and remove it.
   */
  readonly remember: (made: Settings) => Promise<void>
  /** Tells the person what goes on, a line at a time, in the present: `Building the image`. */
  readonly report: (message: string) => void
}

/** What is done to a machine. It rejects with what a person can act upon, and may be called again after it did. */
export type DriverWork = (machine: Machine, ports: DriverPorts, signal: AbortSignal) => Promise<void>

/** A state of a machine's disk (and memory) that it can go back to. */
export interface Snapshot {
  readonly name: string
  /** Wall clock, milliseconds since 1970. */
  readonly createdAtMs: number
  /** Of the memory that is kept with it; 0: the machine did not run. */
  readonly memoryBytes: number
}

/** Snapshots of machines, running or not. Names are those of machines. */
export interface SnapshotWork {
  readonly create: (machine: Machine, name: string, ports: DriverPorts, signal: AbortSignal) => Promise<void>
  /** Throws NO_SUCH_SNAPSHOT. */
  readonly restore: (machine: Machine, name: string, ports: DriverPorts, signal: AbortSignal) => Promise<void>
  readonly remove: (machine: Machine, name: string, ports: DriverPorts, signal: AbortSignal) => Promise<void>
  readonly list: (machine: Machine, ports: DriverPorts, signal: AbortSignal) => Promise<readonly Snapshot[]>
}

/**
 * A way to have machines. A driver is data and a few functions; what it cannot do it leaves out, and whoever asks for it is
 * told so by name.
 */
export interface Driver {
  readonly name: string
  readonly summary: string
  readonly flags: readonly DriverFlag[]
  /** Throws an error that says what is wrong with settings that were read by their flags. */
  readonly check: (settings: Settings) => void
  /** Throws what stands in the way of `create`, before anything is made: programs, rights, names that a cloud does not know. */
  readonly precheck?: DriverWork
  /**
   * Makes the machine and starts it; absent: it is there already. Where a part was made before, it goes on from there. What it
   * made and cannot finish it removes, unless it is cancelled or dies: then `remove` does.
   */
  readonly create?: DriverWork
  /** Throws NOT_MADE for a machine whose `create` did not get so far. */
  readonly whereabouts: (machine: Machine) => Whereabouts
  readonly state: (machine: Machine, ports: DriverPorts, signal: AbortSignal) => Promise<MachineState>
  readonly start?: DriverWork
  readonly stop?: DriverWork
  readonly kill?: DriverWork
  readonly restart?: DriverWork
  readonly snapshots?: SnapshotWork
  /** Removes what `create` made, all or a part, be it gone already; absent: there is nothing but the record. */
  readonly remove?: DriverWork
}
