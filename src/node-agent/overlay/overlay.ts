import { unsupported } from '../../core/errors.ts'
import type { NameSource } from '../../runtime/index.ts'
import type { AgentPorts, Overlay } from '../ports.ts'

export interface OverlayOptions {
  /** The node's name. */
  readonly node: string
  /** This host's address as the others reach it: source of VXLAN packets and of peer probes. */
  readonly hostAddress: string
}

export interface OverlayPorts extends Pick<AgentPorts, 'store' | 'keys' | 'clock' | 'random' | 'log'> {
  readonly engine: Pick<AgentPorts['engine'], 'networks'>
}

/**
 * This host's part of the networks that span hosts. A container joins with `EndpointsConfig[network] = { IPAMConfig:
 * { IPv4Address: address }, MacAddress: mac }` on the engine's network of the same name.
 */
export interface ClusterOverlay extends Overlay {
  /** Resolves when endpoints, networks and services were read once; then follows them until `close`. */
  readonly start: () => Promise<void>
  /** The cluster's names, for the engine's DNS server (`engine.setNameSource`). */
  readonly names: NameSource
  /** Stops watching and probing; networks, rules and addresses stay for the containers that run. */
  readonly close: () => Promise<void>
}

export function createOverlay(_options: OverlayOptions, _ports: OverlayPorts): ClusterOverlay {
  throw unsupported('OVERLAY_MISSING', 'The overlay is not there yet')
}
