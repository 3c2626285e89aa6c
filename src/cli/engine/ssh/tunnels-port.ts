import type { Dial } from '../../../docker-api/index.ts'

/** Who a command wants to talk to on a host. */
export type Wanted = 'engine' | 'manager'

/** How commands reach what answers behind `ssh://` addresses. All that one command asks of a host goes over one connection. */
export interface Tunnels {
  /** Throws BAD_FLAG. Nothing is connected before the first call of what is returned. */
  readonly dialTo: (address: string, wanted: Wanted) => Dial
  readonly close: () => Promise<void>
}
