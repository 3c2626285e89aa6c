import type { Availability } from '../../core/model/node.ts'
import type { Machine } from '../model/machine.ts'

/** What makes a host a member. */
export interface TrustFiles {
  /**
   * Makes a join token, by which a daemon gets its certificate by itself. Asked for only once one is needed, as whoever finds a token may
   * use it. It is written 0600 and never logged. Absent: made on the host, which runs a manager itself.
   */
  readonly newToken?: (signal: AbortSignal) => Promise<string>
  /** Managers that sign: `10.0.0.5:3376`. */
  readonly managers: readonly string[]
}

/** Signs what an engine outside of any cluster serves with. */
export interface Certifier {
  /** Why a certificate that is there is to be replaced; undefined: it does. */
  readonly whyNot: (certificate: string, hosts: readonly string[]) => string | undefined
  /** Whether the certificate that it saw last is of somebody else's authority, and is left to them. */
  readonly isLeft: () => boolean
  /** Signs a request of the machine of that name, for hosts. PEM texts. Throws what is wrong with the request, or with the authority. */
  readonly sign: (
    request: string,
    wanted: { readonly name: string; readonly hosts: readonly string[] },
  ) => Promise<{ readonly certificate: string; readonly authorities: string }>
}

/** The cluster as whoever provisions reaches it. */
export interface Membership {
  /** Whether the node is a member now and answers. */
  readonly isReady: (node: string, signal: AbortSignal) => Promise<boolean>
  /** Lets its tasks go elsewhere, and waits for it. */
  readonly drain: (node: string, signal: AbortSignal) => Promise<void>
  /** What somebody meant it to get: new tasks, none, or not even those that it has. */
  readonly availability: (node: string, signal: AbortSignal) => Promise<Availability>
  readonly setAvailability: (node: string, to: 'active' | 'pause', signal: AbortSignal) => Promise<void>
  /** Takes back the certificate of the manager there, and its copy of the store out. Who has neither is out. */
  readonly takeManagerOut: (machine: Pick<Machine, 'name' | 'swarm'>, signal: AbortSignal) => Promise<void>
  /** Once it is down: the node, and the manager that ran there. */
  readonly forget: (machine: Pick<Machine, 'name' | 'swarm'>, signal: AbortSignal) => Promise<void>
}
