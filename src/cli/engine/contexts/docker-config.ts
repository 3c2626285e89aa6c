import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode, invalidInput } from '../../../core/errors.ts'
import type { Environment } from '../../command.ts'
import { whyNot } from '../../output/file-error.ts'

/** What we know of docker's file; what else stands in it is kept. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>
  /** Programs that keep secrets: by registry, and for all others. */
  readonly credHelpers?: Readonly<Record<string, string>>
  readonly credsStore?: string
  /** What `context use` has said. */
  readonly currentContext?: string
}

/** Docker's own file, so that logins and the context in use are known to both: `$DOCKER_CONFIG/config.json`. */
export function configPath(env: Environment): string {
  return join(env['DOCKER_CONFIG'] || join(env['HOME'] ?? '/root', '.docker'), 'config.json')
}

/** Throws BAD_CONFIG. */
export async function readConfig(path: string): Promise<DockerConfig> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as DockerConfig
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {}
    throw invalidInput('BAD_CONFIG', `Cannot read ${path}: ${whyNot(error)}`)
  }
}

export async function writeConfig(path: string, config: DockerConfig): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFile(`${path}.new`, JSON.stringify(config, undefined, '\t'), { mode: 0o600 })
  await rename(`${path}.new`, path)
}
