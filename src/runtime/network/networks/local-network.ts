/** The networks of one engine, as they are kept on disk. */

interface NetworkCommon {
  readonly id: string
  readonly name: string
  /** ISO 8601. */
  readonly createdAt: string
}

/** A bridge on this host with a subnet of its own. */
export interface BridgeNetwork extends NetworkCommon {
  readonly driver: 'bridge'
  /** Name of the device. */
  readonly bridge: string
  readonly subnet: string
  readonly gateway: string
  /** Part of the subnet that addresses are chosen from. */
  readonly range?: string
  readonly mtu: number
  /** No way out and no way in. */
  readonly internal: boolean
  readonly attachable: boolean
  /** The engine's own `bridge`: no names are served on it, and no address may be asked for. */
  readonly isDefault: boolean
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

/** `host` and `none`: they have no device and no addresses. */
interface PlainNetwork extends NetworkCommon {
  readonly driver: 'host' | 'null'
}

export type LocalNetwork = BridgeNetwork | PlainNetwork

const PREDEFINED = ['bridge', 'host', 'none'] as const

export function isPredefined(name: string): boolean {
  return (PREDEFINED as readonly string[]).includes(name)
}
