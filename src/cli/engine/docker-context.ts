import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode, invalidInput, notFound } from '../../core/errors.ts'
import type { CommandContext, Environment, Invocation, OptionDefinition } from '../command.ts'
import { whyNot } from '../output/file-error.ts'
import { DEFAULT_CONTEXT } from './contexts/context-name.ts'
import { contextPlaces } from './contexts/context-places.ts'
import { configPath } from './contexts/docker-config.ts'

export const CONTEXT_OPTION: OptionDefinition = {
  flags: '-c, --context <name>',
  summary: 'the engine or manager of this docker context [$DOCKER_CONTEXT] (default: what `docker context use` says)',
}

/** What `docker context create` has kept of an engine. */
export interface DockerContext {
  readonly host: string
  readonly skipVerify: boolean
  /** Where its ca.pem, cert.pem and key.pem lie, if it has any. */
  readonly tlsDirectory: string
}

type Flags = Pick<Invocation, 'options' | 'globals'>

/**
 * The docker context that a command is to use; undefined: none, but what flags, variables or this host say. Throws for one that
 * is not there.
 */
export function dockerContext(flags: Flags, context: Pick<CommandContext, 'env'>): DockerContext | undefined {
  const name = contextName(flags, context)
  return name === DEFAULT_CONTEXT ? undefined : readContext(name, context.env)
}

/**
 * The name of the docker context that a command is to use, in docker's order: `--context`, then `--host` and the variables that name a host,
 * which mean the default, then `$DOCKER_CONTEXT` and docker's configuration. Throws for flags that ask for two things.
 */
export function contextName({ options, globals }: Flags, { env }: Pick<CommandContext, 'env'>): string {
  const asked = options.text('context') ?? globals.text('context')
  const host = options.text('host') ?? globals.text('host')
  if (asked !== undefined && host !== undefined) {
    throw invalidInput('BAD_FLAG', 'conflicting options: cannot specify both --host and --context')
  }
  const isHostNamed = host !== undefined || (env['SHOAL_HOST'] || env['DOCKER_HOST'] || '') !== ''
  return asked ?? (isHostNamed ? DEFAULT_CONTEXT : env['DOCKER_CONTEXT'] || currentContext(env) || DEFAULT_CONTEXT)
}

function currentContext(env: Environment): string {
  // Without a home nobody has said `docker context use`.
  if (env['DOCKER_CONFIG'] === undefined && env['HOME'] === undefined) return ''
  const { currentContext: name } = asObject(readJson(configPath(env)))
  return typeof name === 'string' ? name : ''
}

function readContext(name: string, env: Environment): DockerContext {
  const { metaFile: path, tls } = contextPlaces(env, name)
  const meta = readJson(path)
  if (meta === undefined) {
    throw notFound(
      'NO_SUCH_CONTEXT',
      `context "${name}": context not found: there is no ${path}; see \`docker context ls\``,
    )
  }
  const { Host, SkipTLSVerify } = asObject(asObject(asObject(meta)['Endpoints'])['docker'])
  if (typeof Host !== 'string' || Host === '') {
    throw invalidInput(
      'BAD_CONTEXT',
      `context "${name}" names no host for docker: create it anew with \`docker context create\``,
    )
  }
  return { host: Host, skipVerify: SkipTLSVerify === true, tlsDirectory: join(tls, 'docker') }
}

/** Undefined if there is no such file. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw invalidInput('BAD_CONFIG', `Cannot read ${path}: ${whyNot(error)}`)
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
