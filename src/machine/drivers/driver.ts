import type { Clock } from '../../core/clock.ts'
import type { Machine, MachineState, Settings } from '../model/machine.ts'

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
  /** A private key; absent: what ssh's configuration and the agent offer. */
  readonly keyPath?: string
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
  /** Whether something accepts TCP connections there. Does not reject but when cancelled. */
  readonly isReachable: (host: string, port: number, signal: AbortSignal) => Promise<boolean>
}

export type DriverWork = (machine: Machine, ports: DriverPorts, signal: AbortSignal) => Promise<void>

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
  readonly whereabouts: (machine: Machine) => Whereabouts
  readonly state: (machine: Machine, ports: DriverPorts, signal: AbortSignal) => Promise<MachineState>
  readonly start?: DriverWork
  readonly stop?: DriverWork
  readonly kill?: DriverWork
  readonly restart?: DriverWork
  /** Removes what `create` made; absent: there is nothing but the record. */
  readonly remove?: DriverWork
}
