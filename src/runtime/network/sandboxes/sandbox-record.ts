import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EndpointConfig } from '../../../docker-api/index.ts'
import type { SandboxRequest } from '../../ports.ts'
import type { ResolverPorts } from '../dns/resolver-sockets.ts'
import type { PublishedPort } from '../ports/published-ports.ts'

export interface SandboxEndpoint {
  readonly networkId: string
  readonly endpointId: string
  /** Empty on `host` and `none`, where there is an endpoint in name only. */
  readonly address: string
  readonly address6?: string
  readonly mac: string
  /** Device on the host, and in the container. Empty: there is none. */
  readonly hostDevice: string
  readonly device: string
  readonly config: EndpointConfig
}

/** What was made for a container; on disk before it is made, so that a later life can undo it. */
export interface SandboxRecord {
  readonly containerId: string
  readonly sandboxId: string
  readonly kind: 'host' | 'shared' | 'private'
  /** `shared`: the container whose namespace it is. */
  readonly owner?: string
  readonly request: SandboxRequest
  readonly endpoints: readonly SandboxEndpoint[]
  readonly ports: readonly PublishedPort[]
  /** Variables about the containers it was linked to when it was made. */
  readonly linked?: readonly string[]
  /** Devices of the namespace speak IPv6 unless they are told not to. */
  readonly speaksIpv6?: boolean
  /** Where the DNS server listens inside of it. */
  readonly resolver?: ResolverPorts
}

/** Every name a container has on a network. */
export function endpointNames({ request, containerId }: SandboxRecord, { config }: SandboxEndpoint): string[] {
  const names = [request.containerName, ...(config.Aliases ?? []), containerId.slice(0, 12), request.hostname]
  return [...new Set(names.filter(name => name !== ''))]
}

export function addressesOf({ address, address6 }: Pick<SandboxEndpoint, 'address' | 'address6'>): string[] {
  return [address, address6 ?? ''].filter(text => text !== '')
}

/** Records as files. They are small and on tmpfs, so that waiting for a thread would cost more than writing. */
export class SandboxRecords {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** All that can be read; a half-written file is dropped, for nothing was made for it yet. */
  load(): SandboxRecord[] {
    return readdirSync(this.#folder).flatMap(file => {
      const path = join(this.#folder, file)
      try {
        if (file.endsWith('.json')) return [JSON.parse(readFileSync(path, 'utf8')) as SandboxRecord]
      } catch {
        // Falls through to its removal.
      }
      rmSync(path, { force: true })
      return []
    })
  }

  save(record: SandboxRecord): void {
    const path = this.#path(record.containerId)
    writeFileSync(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 })
    renameSync(`${path}.tmp`, path)
  }

  remove(containerId: string): void {
    rmSync(this.#path(containerId), { force: true })
  }

  #path(containerId: string): string {
    return join(this.#folder, `${containerId}.json`)
  }
}
