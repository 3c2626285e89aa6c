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

/** `linux/arm64` as a push names it; undefined stays so. */
export function platformQuery(platform: string | undefined): string | undefined {
  if (platform === undefined) return undefined
  const [os, architecture, variant] = platform.split('/')
  return JSON.stringify({ architecture, os, variant })
}
