import { invalidInput } from '../../../core/errors.ts'
import type { ContainerCreateRequest, HostConfig } from '../../../docker-api/index.ts'
import { readCreateRequest } from '../../../docker-api/server/index.ts'

/** Where clients before API 1.18 write what belongs to HostConfig now. */
const OLD_FIELDS: Readonly<Record<string, keyof HostConfig>> = {
  Memory: 'Memory',
  MemorySwap: 'MemorySwap',
  CpuShares: 'CpuShares',
  Cpuset: 'CpusetCpus',
}

/**
 * Reads the body of a creation as the node will: names of fields in any case, each once. What the manager decides by is then what the
 * node does, whatever else is written beside it. Throws 400 naming what cannot be read.
 */
export function readCreation(body: unknown): ContainerCreateRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalidInput('BAD_JSON', 'invalid JSON: expected a JSON object')
  }
  const read = Object.entries(readCreateRequest(body))
  const request: ContainerCreateRequest = Object.fromEntries(read.filter(([name]) => !Object.hasOwn(OLD_FIELDS, name)))
  const old = read.flatMap(([name, value]) => {
    const field = Object.hasOwn(OLD_FIELDS, name) ? OLD_FIELDS[name] : undefined
    return field === undefined || request.HostConfig?.[field] ? [] : [[field, value as unknown] as const]
  })
  if (old.length === 0) return request
  const { HostConfig } = readCreateRequest({ HostConfig: Object.fromEntries(old) })
  return { ...request, HostConfig: { ...request.HostConfig, ...HostConfig } }
}
