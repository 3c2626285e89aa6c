import { errorMessage } from '../../../../core/errors.ts'
import type { HostConfig } from '../../../../docker-api/index.ts'
import { readText } from './read-lines.ts'
import { bad, splitPair } from './read-values.ts'

/** Names of profiles that every engine has. */
const KNOWN_PROFILES = ['builtin', 'unconfined']

/**
 * What `--security-opt` asks for: a seccomp profile is a file here, of which the engine gets the content, and
 * `systempaths=unconfined` is no option of the engine's but an end of hiding paths. Throws BAD_FLAG.
 */
export function readSecurity(given: readonly string[], cwd: string): Partial<HostConfig> {
  const SecurityOpt = given
    .filter(option => option !== 'systempaths=unconfined')
    .map(option => withProfile(option, cwd))
  return {
    ...(given.length === 0 ? {} : { SecurityOpt }),
    ...(SecurityOpt.length === given.length ? {} : { MaskedPaths: [], ReadonlyPaths: [] }),
  }
}

function withProfile(option: string, cwd: string): string {
  const [name, path] = splitPair(option.includes('=') ? option : option.replace(':', '='))
  if (name !== 'seccomp' || KNOWN_PROFILES.includes(path)) return option
  const text = readText(path, cwd, why => `opening seccomp profile (${path}) failed: ${why}`)
  try {
    return `seccomp=${JSON.stringify(JSON.parse(text))}`
  } catch (error) {
    throw bad(`compacting json for seccomp profile (${path}) failed: ${errorMessage(error)}`)
  }
}
