import { errorCode, failed, isTransient, notFound } from '../../../core/errors.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { forEach } from '../../engine/for-each.ts'
import type { ListingFormat } from '../../output/format.ts'
import { readDuration } from './flags.ts'
import { ifThere, lookUntil } from './look-until.ts'
import { type NodeApi, withManager } from './node-api.ts'
import { OwnCertificate } from './own-certificate.ts'
import { listAll, seeEach } from './trust-listing.ts'

const PATH = '/v1/certificates'

interface CertificateView {
  readonly name: string
  readonly role: string
  readonly hosts: readonly string[]
  readonly fingerprint: string
  readonly expiresAt: string
  /** It was asked to make another key, and has not said yet that it shows a certificate for it. */
  readonly isRenewing: boolean
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

/** `swarm cert ls` */
export async function runCertificateList(invocation: Invocation, context: CommandContext): Promise<void> {
  await listAll<CertificateView>(PATH, CERTIFICATES, { invocation, context })
}

/** What is asked of a manager about one name. */
interface About {
  readonly name: string
  readonly api: NodeApi
  readonly context: CommandContext
  readonly timeoutMs: number
}

const RENEW_MS = 60_000

/** `swarm cert renew`: those who are named do it by themselves, as soon as they can; it is waited for them all. */
export function runCertificateRenew(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options } = invocation
  const timeoutMs = readDuration(invocation, 'timeout', RENEW_MS)
  const query = options.flag('revokeOld') ? '?revokeOld=1' : ''
  return withManager(invocation, context, async api => {
    if (options.flag('dryRun')) return seeEach(PATH, CERTIFICATES, { api, args, context })
    return forEach({ args, context }, async name => {
      await api.call('POST', `${pathOf(name)}/renew${query}`)
      await untilRenewed({ name, api, context, timeoutMs })
    })
  })
}

function pathOf(name: string): string {
  return `${PATH}/${encodeURIComponent(name)}`
}

/** Throws 404 NO_SUCH_CERTIFICATE if it was taken back meanwhile, and TIMED_OUT. */
async function untilRenewed({ name, api, context, timeoutMs }: About): Promise<void> {
  const look = async (): Promise<true | undefined> => {
    const known = (await ifThere(() => api.call('GET', PATH))) as readonly CertificateView[] | undefined
    const owner = known?.find(each => each.name === name)
    if (known !== undefined && owner === undefined) {
      throw notFound('NO_SUCH_CERTIFICATE', `The certificate of ${name} was taken back meanwhile`)
    }
    return owner?.isRenewing === false || undefined
  }
  const onTimeout = (): Error =>
    failed(
      'TIMED_OUT',
      `${name} has not taken another key into use within ${secondsOf(timeoutMs)}: it does once it can`,
    )
  await lookUntil(look, { timeoutMs, context, onTimeout })
}

function secondsOf(ms: number): string {
  return `${ms / 1_000} s`
}

const ACT_MS = 30_000

/** `swarm cert revoke`: done once every manager, and the store that one of them runs, has acted on it. */
export function runCertificateRevoke(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options } = invocation
  const timeoutMs = readDuration(invocation, 'timeout', ACT_MS)
  return withManager(invocation, context, async api => {
    if (options.flag('dryRun')) return seeEach(PATH, CERTIFICATES, { api, args, context })
    const own = OwnCertificate.of(invocation, context)?.name
    // Who takes back their own is answered nothing more.
    const inTurn = [...args.filter(name => name !== own), ...args.filter(name => name === own)]
    const revoke = async (name: string): Promise<void> => {
      const about = { name, api, context, timeoutMs }
      await (name === own ? revokeOwn(about) : revokeAnothers(about))
    }
    return forEach({ args: inTurn, context }, revoke, { inTurn: true })
  })
}

/** What a manager answers; an earlier version says nothing of it. */
interface TakenBack {
  readonly role?: string
  readonly until?: string
}

interface RevocationsView {
  readonly waitsFor: readonly string[]
  readonly hasForeignStore: boolean
}

async function revokeAnothers(about: About): Promise<void> {
  const { name, api, context, timeoutMs } = about
  const { role, until } = (await api.call('DELETE', pathOf(name))) as TakenBack
  if (timeoutMs === 0) return
  const view = await untilActed(about)
  if (view === undefined) {
    context.stderr.write(`This manager cannot tell whether all have acted on what was taken back of ${name}\n`)
  } else if (view.hasForeignStore && role !== 'client') {
    context.stderr.write(
      `The store is run by others, and knows users by name alone: the user ${name} is gone from it, but whoever has the certificate is that user again if the name is given to another before ${until}\n`,
    )
  }
}

/** Undefined: the manager is of an earlier version, which does not know. Throws TIMED_OUT. */
async function untilActed({ name, api, context, timeoutMs }: About): Promise<RevocationsView | undefined> {
  let waitsFor: readonly string[] = []
  const look = async (): Promise<RevocationsView | undefined> => {
    const view = (await ifThere(() => api.call('GET', '/v1/revocations'))) as RevocationsView | undefined
    waitsFor = view?.waitsFor ?? waitsFor
    return view?.waitsFor.length === 0 ? view : undefined
  }
  const onTimeout = (): Error =>
    failed(
      'TIMED_OUT',
      `The certificate of ${name} is taken back, but ${waitsFor.join(', ') || 'no manager'} has not acted on it within ${secondsOf(timeoutMs)}: until then what is open with it there stays open`,
    )
  try {
    return await lookUntil(look, { timeoutMs, context, onTimeout })
  } catch (error) {
    if (errorCode(error) === 'NO_SUCH_PAGE') return undefined
    throw error
  }
}

/** What a manager says to a certificate that was taken back, whether it has heard of that or not. */
const IS_GONE = ['NOT_ADMITTED', 'NO_SUCH_CERTIFICATE']

/** The connection ends with the certificate, before or after the answer: that nobody is let in with it any more tells what came of it. */
async function revokeOwn(about: About): Promise<void> {
  const { name, api, context } = about
  try {
    await api.call('DELETE', pathOf(name))
  } catch (error) {
    if (!isTransient(error) && !IS_GONE.includes(errorCode(error) ?? '')) throw error
    context.signal.throwIfAborted()
    await untilRefused(about, error)
  }
  context.stderr.write(
    `The certificate of ${name} was yours: it is taken back, and you are not let in with it any more\n`,
  )
}

/** Throws what went wrong, if the certificate is still taken in the end. */
async function untilRefused({ api, context }: About, problem: unknown): Promise<void> {
  const look = async (): Promise<true | undefined> => {
    try {
      await ifThere(() => api.call('GET', PATH))
      return undefined
    } catch (error) {
      if (errorCode(error) === 'NOT_ADMITTED') return true
      throw error
    }
  }
  const onTimeout = (): Error => (problem instanceof Error ? problem : failed('FAILED', String(problem)))
  await lookUntil(look, { timeoutMs: ACT_MS, context, onTimeout })
}
