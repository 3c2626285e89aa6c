import type { Filters } from '../engine.ts'
import type { RegistryAuth } from '../resource-types.ts'

/** Docker's query form of filters; undefined when there is none. */
export function filterQuery(filters: Filters | undefined): string | undefined {
  return filters === undefined || Object.keys(filters).length === 0 ? undefined : JSON.stringify(filters)
}

/** Credentials for the registry, as the engine passes them on. */
export function authHeader(auth: RegistryAuth | undefined): Readonly<Record<string, string>> {
  return auth === undefined ? {} : { 'x-registry-auth': Buffer.from(JSON.stringify(auth)).toString('base64url') }
}
