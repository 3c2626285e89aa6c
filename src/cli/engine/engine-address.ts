import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode, invalidInput } from '../../core/errors.ts'
import type { ClientTls } from '../../docker-api/index.ts'
import type { CommandContext, Environment, Invocation, OptionDefinition } from '../command.ts'
import { whyNot } from '../output/file-error.ts'
import { CONTEXT_OPTION, type DockerContext, dockerContext } from './docker-context.ts'
import { OWN_SOCKETS } from './own-sockets.ts'
import { firstListener, type Look, type LookPorts, whoListens } from './who-listens.ts'

/** Flags of how to reach an API with certificates; docker's names and defaults. */
export const CLIENT_TLS_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--tls', summary: 'use TLS; --tlsverify implies it' },
  { flags: '--tlsverify', summary: 'use TLS and verify the other side [$DOCKER_TLS_VERIFY]' },
  {
    flags: '--tlscacert <path>',
    summary: 'trust certificates of this authority (default: ca.pem in $DOCKER_CERT_PATH)',
  },
  { flags: '--tlscert <path>', summary: 'our certificate (default: cert.pem there)' },
  { flags: '--tlskey <path>', summary: 'its key (default: key.pem there)' },
]

/** Flags of every command that speaks to an engine. They stand before the command. */
export const ENGINE_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: '-H, --host <url>',
    summary: `the engine or manager to talk to [$SHOAL_HOST, $DOCKER_HOST] (default: that of this host, ${OWN_SOCKETS.join(' or ')})`,
  },
  CONTEXT_OPTION,
  ...CLIENT_TLS_OPTIONS,
]

type Flags = Pick<Invocation, 'options' | 'globals'>

/**
 * The engine that a command talks to: `--context`, else `--host`, else `$SHOAL_HOST`, else `$DOCKER_HOST`, else docker's own context,
 * else this host's agent or engine.
 */
export async function engineHost(flags: Flags, context: Pick<CommandContext, 'env'> & LookPorts): Promise<string> {
  return namedHost(flags, context) ?? ownEngine(url => whoListens(url, context))
}

/** Who listens at a socket of this host; the agent's if nobody does, so that it is told why. */
export async function ownEngine(look: Look): Promise<string> {
  const urls = OWN_SOCKETS.map(path => `unix://${path}`)
  return (await firstListener(urls, look)) ?? `unix://${OWN_SOCKETS[0]}`
}

/** The host that flags, variables or a docker context name; undefined: none does. */
export function namedHost({ options, globals }: Flags, { env }: Pick<CommandContext, 'env'>): string | undefined {
  const context = dockerContext({ options, globals }, { env })
  if (context !== undefined) return context.host
  return (options.text('host') ?? globals.text('host') ?? (env['SHOAL_HOST'] || env['DOCKER_HOST'])) || undefined
}

/** Where what {@link readClientTls} reads lies, whether or not it is there. */
export function clientTlsFiles(
  { options, globals }: Flags,
  { env }: Pick<CommandContext, 'env'>,
): { readonly ca: string; readonly cert: string; readonly key: string } {
  const folder = dockerContext({ options, globals }, { env })?.tlsDirectory
  const place = (flag: string, file: string): string => {
    if (folder !== undefined) return join(folder, file)
    return options.text(flag) ?? globals.text(flag) ?? join(certificatePath(env), file)
  }
  return { ca: place('tlscacert', 'ca.pem'), cert: place('tlscert', 'cert.pem'), key: place('tlskey', 'key.pem') }
}

/**
 * What docker's TLS flags and variables ask for; undefined: no TLS. A file that is named must be there, those in the
 * default folder need not. Throws BAD_FLAG.
 */
export function readClientTls(
  { options, globals }: Flags,
  { env }: Pick<CommandContext, 'env'>,
): ClientTls | undefined {
  const given = [options, globals]
  const ofContext = contextTls(dockerContext({ options, globals }, { env }))
  if (ofContext !== undefined) return ofContext
  const verify = given.some(from => from.flag('tlsverify')) || (env['DOCKER_TLS_VERIFY'] ?? '') !== ''
  if (!verify && !given.some(from => from.flag('tls')) && !isTrue(env['DOCKER_TLS'])) return undefined
  const read = (flag: string, file: string): Buffer | undefined => {
    const named = given.map(from => from.text(flag)).find(path => path !== undefined)
    return readPem(named ?? join(certificatePath(env), file), named !== undefined)
  }
  return tlsOf(verify, [read('tlscacert', 'ca.pem'), read('tlscert', 'cert.pem'), read('tlskey', 'key.pem')])
}

/** A context that has a certificate of any kind means TLS. */
function contextTls(context: DockerContext | undefined): ClientTls | undefined {
  if (context === undefined) return undefined
  const read = (file: string): Buffer | undefined => readPem(join(context.tlsDirectory, file), false)
  const files = [read('ca.pem'), read('cert.pem'), read('key.pem')] as const
  if (files.every(file => file === undefined) && !context.skipVerify) return undefined
  return tlsOf(!context.skipVerify, files)
}

/** Half of a pair is of no use, and neither is an authority that nobody is held to. */
function tlsOf(verify: boolean, [ca, cert, key]: readonly (Buffer | undefined)[]): ClientTls {
  return {
    verify,
    ...(ca === undefined || !verify ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  }
}

function certificatePath(env: Environment): string {
  return env['DOCKER_CERT_PATH'] || join(env['HOME'] ?? '/root', '.docker')
}

function isTrue(text: string | undefined): boolean {
  return text !== undefined && /^(1|t|true)$/i.test(text)
}

function readPem(path: string, isNamed: boolean): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (!isNamed && errorCode(error) === 'ENOENT') return undefined
    throw invalidInput('BAD_FLAG', `Cannot read the TLS file ${path}: ${whyNot(error)}`)
  }
}
