import { hashOf } from '../../core/digest.ts'

/** Names that tell one engine's things in a network namespace from another's. */
export interface StackIdentity {
  /** nftables table. */
  readonly table: string
  /** Device of the default network, unless one is given. */
  readonly bridge: string
  /** Begins the names of containers' devices on the host. */
  readonly devicePrefix: string
}

const TAG_DIGITS = 5

export function stackIdentity(options: { readonly engineName: string; readonly dataRoot: string }): StackIdentity {
  const tag = hashOf([options.engineName, options.dataRoot]).slice(0, TAG_DIGITS)
  return { table: `shoal-${tag}`, bridge: `shoal-${tag}`, devicePrefix: `v${tag}` }
}
