import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { invalidInput } from '../../../core/errors.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { DEFAULT_CONTEXT } from '../../engine/contexts/context-name.ts'
import { CONTEXT_BYTES_MAX, type ContextRecord, type TlsMaterial } from '../../engine/contexts/context-record.ts'
import type { ContextStore } from '../../engine/contexts/context-store.ts'
import { engineHost, readClientTls } from '../../engine/engine-address.ts'
import { isSshAddress, parseSshAddress } from '../../engine/ssh/ssh-address.ts'
import { whyNot } from '../../output/file-error.ts'
import { badArgument } from '../../usage.ts'
import { splitCsv } from '../container/create/read-mount.ts'
import { DOCKER_FLAG } from './docker-flag.ts'

/** How an engine is reached, as a context keeps it. */
export interface Endpoint {
  readonly docker: { readonly Host: string; readonly SkipTLSVerify: boolean }
  /** Of docker's endpoint alone. */
  readonly tls: TlsMaterial
}

const KEYS = ['from', 'host', 'ca', 'cert', 'key', 'skip-tls-verify'] as const
type Key = (typeof KEYS)[number]
const FILES = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' } as const

/** Reads `host=tcp://h:2376,ca=…` of `--docker`, in docker's words where it is wrong. */
export function readKeys(values: readonly string[]): ReadonlyMap<Key, string> {
  const keys = new Map<Key, string>()
  for (const pair of values.flatMap(value => splitCsv(value))) {
    const at = pair.indexOf('=')
    if (at < 0) throw badArgument(DOCKER_FLAG, pair, `${pair} must be formatted as key=value`)
    const key = KEYS.find(known => known === pair.slice(0, at))
    if (key === undefined) throw badEndpoint(`unrecognized config key: ${pair.slice(0, at)}`)
    keys.set(key, pair.slice(at + 1))
  }
  return keys
}

/** The endpoint that `--docker` describes. Reads certificates from files; nothing is written. */
export async function makeEndpoint(
  keys: ReadonlyMap<Key, string>,
  store: ContextStore,
  { invocation, context }: { readonly invocation: Invocation; readonly context: CommandContext },
): Promise<Endpoint> {
  const from = keys.get('from')
  if (from !== undefined) {
    const { endpoint } = await copyContext(from, store, { invocation, context })
    return endpoint
  }
  const host = keys.get('host') ?? ''
  checkHost(host)
  const tls: Record<string, Buffer> = {}
  for (const [key, file] of Object.entries(FILES)) {
    const path = keys.get(key as keyof typeof FILES)
    if (path !== undefined && path !== '') tls[file] = await readPem(resolve(context.cwd, path))
  }
  if ('cert.pem' in tls !== 'key.pem' in tls) throw badEndpoint('cert and key must be given together')
  const SkipTLSVerify = isTrue(keys.get('skip-tls-verify') ?? 'false')
  return { docker: { Host: host, SkipTLSVerify }, tls: asMaterial(tls) }
}

/** All of a context that another is made of; `default` is what would be used without any. */
export async function copyContext(
  name: string,
  store: ContextStore,
  { invocation, context }: { readonly invocation: Invocation; readonly context: CommandContext },
): Promise<{ readonly record: ContextRecord; readonly endpoint: Endpoint; readonly tls: TlsMaterial }> {
  if (name === DEFAULT_CONTEXT) return defaultContext(invocation, context)
  const record = await store.load(name)
  const tls = await store.loadTls(name)
  const { Host, SkipTLSVerify } = record.endpoints?.['docker'] ?? {}
  if (typeof Host !== 'string') throw badEndpoint(`cannot find docker endpoint in context ${JSON.stringify(name)}`)
  const docker = { Host, SkipTLSVerify: SkipTLSVerify === true }
  return { record, tls, endpoint: { docker, tls: asMaterial(tls['docker'] ?? {}) } }
}

export const DEFAULT_DESCRIPTION = 'Current DOCKER_HOST based configuration'

/** What flags, variables and this host say when no context is in use. */
export async function defaultContext(
  invocation: Invocation,
  context: CommandContext,
): Promise<{ readonly record: ContextRecord; readonly endpoint: Endpoint; readonly tls: TlsMaterial }> {
  const plain = withoutContext(invocation)
  const Host = await engineHost(plain, context)
  const { verify = true, ca, cert, key } = readClientTls(plain, context) ?? {}
  const pairs = Object.entries({ 'ca.pem': ca, 'cert.pem': cert, 'key.pem': key })
  const files = pairs.flatMap(([file, pem]) => (pem === undefined ? [] : [[file, Buffer.from(pem)] as const]))
  const docker = { Host, SkipTLSVerify: !verify }
  const tls = asMaterial(Object.fromEntries(files))
  const metadata = { Description: DEFAULT_DESCRIPTION }
  return { record: { name: DEFAULT_CONTEXT, metadata, endpoints: { docker } }, endpoint: { docker, tls }, tls }
}

/** The same flags as if `--context default` had been said. */
function withoutContext({ options, globals }: Invocation): Pick<Invocation, 'options' | 'globals'> {
  const isHostNamed = globals.text('host') !== undefined
  const text = (name: string): string | undefined =>
    name === 'context' ? (isHostNamed ? undefined : DEFAULT_CONTEXT) : globals.text(name)
  return { options, globals: { ...globals, text } }
}

function asMaterial(files: Readonly<Record<string, Buffer>>): TlsMaterial {
  return Object.keys(files).length === 0 ? {} : { docker: files }
}

/** Only what a command could use later; throws BAD_FLAG. */
function checkHost(host: string): void {
  if (isSshAddress(host)) parseSshAddress(host)
  else if (!/^(tcp|http|https|unix|npipe|fd):\/\/./.test(host)) {
    throw badEndpoint(`unable to parse docker host ${JSON.stringify(host)}: expected host=tcp://…, unix://… or ssh://…`)
  }
}

async function readPem(path: string): Promise<Buffer> {
  try {
    const content = await readFile(path)
    if (content.length <= CONTEXT_BYTES_MAX) return content
  } catch (error) {
    throw badEndpoint(`open ${path}: ${whyNot(error)}`)
  }
  throw badEndpoint(`${path} is too large for a certificate`)
}

/** As Go reads truth. */
function isTrue(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false
  throw badEndpoint(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

function badEndpoint(why: string): Error {
  return invalidInput('BAD_FLAG', `unable to create docker endpoint config: ${why}`)
}
