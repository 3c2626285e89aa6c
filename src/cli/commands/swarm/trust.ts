import { sleep, withDeadline } from '../../../core/clock.ts'
import { conflict, failed, isTransient, notFound } from '../../../core/errors.ts'
import { isRole, ROLES, TOKEN_LIFE_MS } from '../../../trust/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { forEach } from '../../engine/for-each.ts'
import { type ListingFormat, renderListing } from '../../output/format.ts'
import { badFlag, readDuration } from './flags.ts'
import { type NodeApi, withManager } from './node-api.ts'

interface TokenView {
  readonly id: string
  readonly role: string
  readonly once: boolean
  readonly usedBy?: string
  readonly createdMs: number
  readonly expiresMs: number
}

interface CertificateView {
  readonly name: string
  readonly role: string
  readonly hosts: readonly string[]
  readonly fingerprint: string
  readonly expiresAt: string
}

interface AuthorityView {
  readonly clusterId: string
  readonly authorities: readonly { readonly digest: string; readonly certificate: string; readonly signs: boolean }[]
  readonly step: 'steady' | 'introducing' | 'renewing'
  readonly waitsFor: readonly string[]
}

const TOKENS: ListingFormat<TokenView> = {
  columns: [
    { title: 'ID', of: token => token.id },
    { title: 'ROLE', of: token => token.role },
    { title: 'USES', of: uses },
    { title: 'EXPIRES', of: token => isoTime(token.expiresMs) },
  ],
  record: token => ({
    ID: token.id,
    Role: token.role,
    Uses: uses(token),
    Created: isoTime(token.createdMs),
    Expires: isoTime(token.expiresMs),
  }),
  id: token => token.id,
}

const CERTIFICATES: ListingFormat<CertificateView> = {
  columns: [
    { title: 'NAME', of: owner => owner.name },
    { title: 'ROLE', of: owner => owner.role },
    { title: 'EXPIRES', of: owner => owner.expiresAt },
    { title: 'FINGERPRINT', of: owner => owner.fingerprint.slice(0, 16) },
  ],
  record: owner => ({
    Name: owner.name,
    Role: owner.role,
    Hosts: owner.hosts,
    Expires: owner.expiresAt,
    Fingerprint: owner.fingerprint,
  }),
  id: owner => owner.name,
}

function uses({ once, usedBy }: TokenView): string {
  if (!once) return 'any'
  return usedBy === undefined ? 'once' : 'used'
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** `swarm token create` */
export async function runTokenCreate(invocation: Invocation, context: CommandContext): Promise<void> {
  await makeToken('/v1/tokens', invocation.options.text('role') ?? 'node', { invocation, context })
}

/** `swarm token rotate` */
export async function runTokenRotate(invocation: Invocation, context: CommandContext): Promise<void> {
  await makeToken('/v1/tokens?rotate=1', invocation.args[0] ?? '', { invocation, context })
}

async function makeToken(
  path: string,
  role: string,
  { invocation, context }: { readonly invocation: Invocation; readonly context: CommandContext },
): Promise<void> {
  if (!isRole(role)) throw badFlag(`No such role: ${role}; known are ${ROLES.join(', ')}`)
  const expiresMs = readDuration(invocation, 'expires', TOKEN_LIFE_MS)
  if (expiresMs < 1_000) throw badFlag('--expires should be at least 1s')
  const body = { role, lifeMs: expiresMs, once: invocation.options.flag('once') }
  if (invocation.options.flag('dryRun')) {
    const tokens = (await withManager(invocation, context, api =>
      api.call('GET', '/v1/tokens'),
    )) as readonly TokenView[]
    const ending = path.includes('rotate') ? tokens.filter(each => each.role === role) : []
    for (const { id } of ending) context.stderr.write(`Would end the join token ${id}\n`)
    context.stderr.write(`Would make a join token for the role ${role}\n`)
    return
  }
  const { token } = (await withManager(invocation, context, api => api.call('POST', path, body))) as { token: string }
  context.stdout.write(`${token}\n`)
}

/** `swarm token ls` */
export async function runTokenList(invocation: Invocation, context: CommandContext): Promise<void> {
  await list<TokenView>('/v1/tokens', TOKENS, { invocation, context })
}

/** `swarm token rm` */
export function runTokenRemove(invocation: Invocation, context: CommandContext): Promise<number> {
  return removeEach<TokenView>('/v1/tokens', TOKENS, { invocation, context })
}

/** `swarm cert ls` */
export async function runCertificateList(invocation: Invocation, context: CommandContext): Promise<void> {
  await list<CertificateView>('/v1/certificates', CERTIFICATES, { invocation, context })
}

/** `swarm cert revoke` */
export function runCertificateRevoke(invocation: Invocation, context: CommandContext): Promise<number> {
  return removeEach<CertificateView>('/v1/certificates', CERTIFICATES, { invocation, context })
}

interface Asked {
  readonly invocation: Invocation
  readonly context: CommandContext
}

async function list<T>(path: string, format: ListingFormat<T>, { invocation, context }: Asked): Promise<void> {
  const items = (await withManager(invocation, context, api => api.call('GET', path))) as readonly T[]
  const { options } = invocation
  context.stdout.write(renderListing(items, format, { format: options.text('format'), quiet: options.flag('quiet') }))
}

function removeEach<T>(path: string, { id }: ListingFormat<T>, { invocation, context }: Asked): Promise<number> {
  const { args, options } = invocation
  return withManager(invocation, context, async api => {
    if (!options.flag('dryRun')) {
      const remove = (name: string) => api.call('DELETE', `${path}/${encodeURIComponent(name)}`)
      return forEach({ args, context }, async name => void (await remove(name)), { inTurn: true })
    }
    const known = ((await api.call('GET', path)) as readonly T[]).map(id)
    return forEach({ args, context }, async name => {
      if (!known.includes(name)) throw notFound('NOT_THERE', `There is no ${name}`)
    })
  })
}

/** `swarm ca show` */
export async function runAuthorityShow(invocation: Invocation, context: CommandContext): Promise<void> {
  const view = await withManager(invocation, context, viewOf)
  const isJson = invocation.options.text('format') === 'json'
  context.stdout.write(isJson ? `${JSON.stringify(view, undefined, 2)}\n` : pemOf(view))
}

function pemOf({ authorities }: AuthorityView): string {
  return authorities.map(({ certificate }) => certificate).join('')
}

/** Undefined while the store is away, as it is for moments while its authorities change. */
async function viewIfThere(api: NodeApi): Promise<AuthorityView | undefined> {
  try {
    return await viewOf(api)
  } catch (error) {
    if (isTransient(error)) return undefined
    throw error
  }
}

async function viewOf(api: NodeApi): Promise<AuthorityView> {
  return (await api.call('GET', '/v1/authority')) as AuthorityView
}

const WAIT_MS = 300_000
const POLL_MS = 500

/** `swarm ca rotate` */
export async function runAuthorityRotate(invocation: Invocation, context: CommandContext): Promise<void> {
  const { options } = invocation
  const timeoutMs = readDuration(invocation, 'timeout', WAIT_MS)
  await withManager(invocation, context, async api => {
    if (options.flag('dryRun')) {
      context.stderr.write(`${whatRotates(await viewOf(api), options.flag('force'))}\n`)
      return
    }
    const path = `/v1/authority/rotate${options.flag('force') ? '?force=1' : ''}`
    let view = (await api.call('POST', path)) as AuthorityView
    if (options.flag('wait')) view = await untilSteady(api, { timeoutMs, context })
    context.stdout.write(`${view.authorities.at(-1)?.digest ?? ''}\n`)
    if (view.step === 'steady')
      context.stderr.write('People get certificates of the new authority with swarm client-cert\n')
    else context.stderr.write(`The authority is being changed; waits for ${view.waitsFor.join(', ')}\n`)
  })
}

/** Throws 409 ROTATION_RUNS, as the manager would. */
function whatRotates({ step, waitsFor }: AuthorityView, force: boolean): string {
  if (step === 'steady') return 'Would change the authority'
  if (force) return `Would go on with the change of the authority without ${waitsFor.join(', ') || 'anybody missing'}`
  throw conflict('ROTATION_RUNS', 'The authority is being changed already: see swarm ca show, or say --force', {
    details: { refused: true },
  })
}

async function untilSteady(
  api: NodeApi,
  { timeoutMs, context }: { readonly timeoutMs: number; readonly context: CommandContext },
): Promise<AuthorityView> {
  const { clock, signal } = context
  let waitsFor: readonly string[] = []
  const looking = async (end: AbortSignal): Promise<AuthorityView> => {
    while (true) {
      const view = await viewIfThere(api)
      if (view?.step === 'steady') return view
      waitsFor = view?.waitsFor ?? waitsFor
      await sleep(clock, POLL_MS, end)
    }
  }
  const onTimeout = (): Error =>
    failed('TIMED_OUT', `Still waiting for ${waitsFor.join(', ')}: go on without them with swarm ca rotate --force`)
  return withDeadline(looking, timeoutMs, { clock, signal, onTimeout })
}
