import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { Environment } from '../../command.ts'
import { configPath } from './docker-config.ts'

/** Where docker keeps a context. Folders go by the digest of its name, so no name leads anywhere else. */
export interface ContextPlaces {
  /** Folder of what is known of it. */
  readonly meta: string
  readonly metaFile: string
  /** Folder of certificates, in one for each endpoint. */
  readonly tls: string
}

/** The folder with a folder for each context. */
export function contextsRoot(env: Environment): string {
  return join(dirname(configPath(env)), 'contexts', 'meta')
}

export function contextPlaces(env: Environment, name: string): ContextPlaces {
  const id = createHash('sha256').update(name).digest('hex')
  const meta = join(contextsRoot(env), id)
  return { meta, metaFile: join(meta, 'meta.json'), tls: join(dirname(configPath(env)), 'contexts', 'tls', id) }
}
