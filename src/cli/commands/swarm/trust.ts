import { conflict, failed } from '../../../core/errors.ts'
import { isRole, ROLES, TOKEN_LIFE_MS } from '../../../trust/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { forEach } from '../../engine/for-each.ts'
import type { ListingFormat } from '../../output/format.ts'
import type { AuthorityView } from './authority-view.ts'
import { badFlag, readDuration } from './flags.ts'
import { ifThere, lookUntil } from './look-until.ts'
import { type NodeApi, withManager } from './node-api.ts'
import { OwnCertificate } from './own-certificate.ts'
import { listAll, seeEach } from './trust-listing.ts'

interface TokenView {
  readonly id: string
  readonly role: string
  readonly once: boolean
  readonly usedBy?: string
  readonly createdMs: number
  readonly expiresMs: number
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
  await listAll<TokenView>('/v1/tokens', TOKENS, { invocation, context })
}

/** `swarm token rm` */
export function runTokenRemove(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options } = invocation
  return withManager(invocation, context, async api => {
    if (options.flag('dryRun')) return seeEach<TokenView>('/v1/tokens', TOKENS, { api, args, context })
    const remove = (id: string) => api.call('DELETE', `/v1/tokens/${encodeURIComponent(id)}`)
    return forEach({ args, context }, async id => void (await remove(id)), { inTurn: true })
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

async function viewOf(api: NodeApi): Promise<AuthorityView> {
  return (await api.call('GET', '/v1/authority')) as AuthorityView
}

const WAIT_MS = 300_000

/** `swarm ca rotate` */
export async function runAuthorityRotate(invocation: Invocation, context: CommandContext): Promise<void> {
  const { options } = invocation
  const timeoutMs = readDuration(invocation, 'timeout', WAIT_MS)
  const isWaiting = options.flag('wait') && !options.flag('dryRun')
  // Who waits would be locked out by what was waited for.
  const own = isWaiting ? OwnCertificate.of(invocation, context) : undefined
  const work = async (api: NodeApi): Promise<void> => {
    if (options.flag('dryRun')) {
      context.stderr.write(
        `${whatRotates(await viewOf(api), { force: options.flag('force'), wait: options.flag('wait') })}\n`,
      )
      return
    }
    const running = isWaiting ? await runningChange(api) : undefined
    // Who waits has to be ready for the step that is forced.
    if (running !== undefined) await followed(own, running, api)
    const query = [
      options.flag('force') ? 'force=1' : '',
      own === undefined ? '' : 'awaited=1',
      running === undefined ? '' : 'resume=1',
    ].filter(Boolean)
    let view = (await api.call('POST', `/v1/authority/rotate?${query.join('&')}`)) as AuthorityView
    if (isWaiting) view = await untilSteady(api, { timeoutMs, context, own })
    context.stdout.write(`${view.authorities.at(-1)?.digest ?? ''}\n`)
    for (const line of whatPeopleDo(view, own)) context.stderr.write(`${line}\n`)
  }
  await withManager(invocation, context, work, own?.tls)
}

/** What a wait that was broken off left behind, or somebody else began. */
async function runningChange(api: NodeApi): Promise<AuthorityView | undefined> {
  const view = await viewOf(api)
  return view.step === 'steady' ? undefined : view
}

function whatPeopleDo({ step, waitsFor }: AuthorityView, own: OwnCertificate | undefined): readonly string[] {
  if (step !== 'steady') {
    return [
      `The authority is being changed; waits for ${waitsFor.join(', ')}`,
      'People renew theirs with swarm client-cert now, and again at the step "renewing" of swarm ca show --format json; later they need tokens',
    ]
  }
  const others =
    'get certificates of the new authority with swarm client-cert, and a token of swarm token create --role client'
  return own === undefined ? [`People ${others}`] : [`Your certificate was renewed. Other people ${others}`]
}

/** Throws 409 ROTATION_RUNS, as the manager would. */
function whatRotates(
  { step, waitsFor }: AuthorityView,
  { force, wait }: { readonly force: boolean; readonly wait: boolean },
): string {
  if (step === 'steady') return 'Would change the authority'
  if (force) return `Would go on with the change of the authority without ${waitsFor.join(', ') || 'anybody missing'}`
  if (wait) return `Would wait for the change of the authority, which waits for ${waitsFor.join(', ') || 'nobody'}`
  throw conflict('ROTATION_RUNS', 'The authority is being changed already: see swarm ca show, or say --force', {
    details: { refused: true },
  })
}

/** What was seen of the change may be over: then the next look tells. */
async function followed(own: OwnCertificate | undefined, view: AuthorityView, api: NodeApi): Promise<void> {
  await ifThere(async () => own?.follow(view, api))
}

async function untilSteady(
  api: NodeApi,
  {
    timeoutMs,
    context,
    own,
  }: { readonly timeoutMs: number; readonly context: CommandContext; readonly own: OwnCertificate | undefined },
): Promise<AuthorityView> {
  let waitsFor: readonly string[] = []
  const look = async (): Promise<AuthorityView | undefined> => {
    // The store is away for moments while its authorities change.
    const view = await ifThere(() => viewOf(api))
    if (view !== undefined) await followed(own, view, api)
    waitsFor = view?.waitsFor ?? waitsFor
    return view?.step === 'steady' ? view : undefined
  }
  const onTimeout = (): Error =>
    failed('TIMED_OUT', `Still waiting for ${waitsFor.join(', ')}: go on without them with swarm ca rotate --force`)
  return lookUntil(look, { timeoutMs, context, onTimeout })
}
