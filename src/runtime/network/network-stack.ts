import type { Clock } from '../../core/clock.ts'
import { unsupported } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { NetworkOperations } from '../../docker-api/index.ts'
import type { NameSource, NetworkSandboxes } from '../ports.ts'

export interface NetworkStackOptions {
  /** Tells this engine's devices and rules from those of other engines in the same network namespace. */
  readonly engineName: string
  /** The engine's own roots; the stack keeps to `network/` below each. */
  readonly dataRoot: string
  readonly execRoot: string
  /** Device of the default network; made if it does not exist. `none`: there is no default network. */
  readonly bridge?: string
  /** Address and prefix of the default bridge: `172.30.0.1/16`. */
  readonly bip?: string
  readonly mtu?: number
  /** False: no packet filter rule is ever written (dockerd's `--iptables=false`). */
  readonly manageFirewall: boolean
}

export interface NetworkStackPorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly names?: NameSource
}

export interface NetworkStack {
  readonly sandboxes: NetworkSandboxes
  readonly networks: NetworkOperations
  /** From now on the DNS server asks `source` before its own containers. */
  readonly setNameSource: (source: NameSource) => void
  /** Stops serving names and lets go of host ports; what running containers use stays as it is. */
  readonly close: () => Promise<void>
}

/** Opens the engine's networks: makes the bridges that are missing and finds the sandboxes of a former life. */
export function createNetworkStack(_options: NetworkStackOptions, _ports: NetworkStackPorts): Promise<NetworkStack> {
  throw unsupported('NETWORK_STACK_MISSING', 'The network stack is not there yet')
}
