import type { Duplex } from 'node:stream'
import type { FoundKeys } from '../credentials.ts'
import type { HostKey } from '../host-key.ts'
import type { HostKeyPolicy } from '../host-key-policy.ts'
import type { SshOptions } from '../ssh-options.ts'
import type { ConnectPorts } from '../transport.ts'
import type { PooledTransport } from './pooled-transport.ts'

/** A host as ssh's configuration says it is reached, and what we have for it. */
export interface PooledHost {
  readonly options: SshOptions
  readonly keys: FoundKeys
  readonly hostKey: HostKeyPolicy
  /** Hears the key that the store is to pin. */
  readonly onPin?: ((key: HostKey) => void) | undefined
  /** Absent: a connection of its own. */
  readonly via: Duplex | undefined
}

/** Connects our own client. What speaks SSH is large, and most commands do not: it is only loaded here. */
export async function connectPooled(
  { options, keys, hostKey, onPin, via }: PooledHost,
  ports: ConnectPorts,
  signal: AbortSignal,
): Promise<PooledTransport> {
  const { PooledTransport } = await import('./pooled-transport.ts')
  return PooledTransport.connect(
    {
      host: options.hostName,
      port: options.port,
      user: options.user,
      credentials: keys.credentials,
      hostKey,
      ...(onPin === undefined ? {} : { onPin }),
      ...(via === undefined ? {} : { via }),
    },
    ports,
    signal,
  )
}
