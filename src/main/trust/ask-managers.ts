import { connect } from 'node:tls'
import { type Clock, withDeadline } from '../../core/clock.ts'
import { errorCode, errorMessage, invalidInput, isTransient, ShoalError, unavailable } from '../../core/errors.ts'
import { parseHostPort } from '../../discovery/index.ts'
import { type ClientTls, createDockerClient } from '../../docker-api/index.ts'
import type { Issued } from '../../manager/index.ts'
import { complainOfOwner, sha256 } from '../../trust/index.ts'

const HANDSHAKE_MS = 5_000
/** What a manager says to a certificate that was taken back, whether it has heard of that or not. */
const IS_GONE = ['NOT_ADMITTED', 'NO_SUCH_CERTIFICATE']

/** Whom to ask, and until when. */
export interface Asking {
  /** `10.0.0.1:3376`, asked one after the other until one answers. */
  readonly managers: readonly string[]
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Asks for the next certificate with the present one. */
export async function askToRenew(
  csr: string,
  { tls, ...asking }: Asking & { readonly tls: ClientTls },
): Promise<Issued> {
  const posted = { path: '/v1/renew', body: { csr }, tls }
  return firstAnswer(asking, async manager => (await post(manager, posted, asking)) as Issued)
}

/** Says whom this member trusts. */
export async function tellTrusts(
  trusts: readonly string[],
  { tls, ...asking }: Asking & { readonly tls: ClientTls },
): Promise<void> {
  await firstAnswer(asking, manager => post(manager, { path: '/v1/confirm', body: { trusts }, tls }, asking))
}

/** Gives a certificate back: nobody is let in with it any more, and its name is free. */
export async function askToLeave({ tls, ...asking }: Asking & { readonly tls: ClientTls }): Promise<void> {
  const leave = () => firstAnswer(asking, manager => post(manager, { path: '/v1/leave', body: {}, tls }, asking))
  try {
    await leave()
  } catch (error) {
    if (!isTransient(error)) throw error
    // Managers end what is open with a certificate that was taken back, before or after they answer: the next question tells.
    await leave().catch(again => {
      if (!IS_GONE.includes(errorCode(again) ?? '')) throw again
    })
  }
}

/**
 * Asks for the first certificate with a join token. A manager is only told the token once it has shown that it has a certificate
 * of the authority that the token names. Throws 403 WRONG_CA for one that has not.
 */
export async function askToJoin(
  body: { readonly csr: string; readonly token: string },
  { authority, ...asking }: Asking & { readonly authority: string },
): Promise<Issued> {
  return firstAnswer(asking, async manager => {
    const ca = await shownAuthority(manager, authority, asking)
    const complaint: NonNullable<ClientTls['peer']>['complaint'] = certificate =>
      complainOfOwner(certificate, { role: 'manager', clusterId: String(certificate.issuer.O), revoked: () => false })
    const tls = { ca, verify: true, peer: { name: 'manager', complaint } }
    return (await post(manager, { path: '/v1/join', body, tls }, asking)) as Issued
  })
}

async function firstAnswer<T>({ managers, signal }: Asking, ask: (manager: string) => Promise<T>): Promise<T> {
  const complaints: string[] = []
  for (const manager of managers) {
    signal.throwIfAborted()
    try {
      return await ask(manager)
    } catch (error) {
      if (!isTransient(error)) throw error
      complaints.push(errorMessage(error))
    }
  }
  throw unavailable('NO_MANAGER', `No manager answers: ${complaints.join('; ')}`)
}

interface Posted {
  readonly path: string
  readonly body: object
  readonly tls: ClientTls
}

async function post(manager: string, { path, body, tls }: Posted, { clock, signal }: Asking): Promise<unknown> {
  const client = createDockerClient(`tcp://${manager}`, { clock, tls })
  try {
    return await client.requestJson('POST', path, body, signal)
  } finally {
    client.close()
  }
}

/** The authority that a manager shows in its handshake, if it is the one with this digest. Nothing is believed of it before that. */
async function shownAuthority(manager: string, digest: string, { clock, signal }: Asking): Promise<string> {
  const address = parseHostPort(manager)
  if (address === undefined) throw invalidInput('BAD_FLAG', `Cannot read --manager ${manager}: expected host:port`)
  const socket = connect({ ...address, rejectUnauthorized: false })
  const shaken = Promise.withResolvers<void>()
  socket.once('secureConnect', shaken.resolve).once('error', shaken.reject)
  socket.once('close', () => shaken.reject(new Error('it closed the connection')))
  const onTimeout = (): Error => new Error(`it did not answer within ${HANDSHAKE_MS / 1_000} s`)
  try {
    await withDeadline(() => shaken.promise, HANDSHAKE_MS, { clock, signal, onTimeout })
    const shown = socket.getPeerCertificate(true)
    for (let each = shown, last: typeof shown | undefined; each !== undefined && each !== last; ) {
      if (each.raw !== undefined && sha256(each.raw) === digest) return pemOf(each.raw)
      last = each
      each = each.issuerCertificate
    }
  } catch (cause) {
    throw unavailable('NO_MANAGER', `Cannot connect to the manager at ${manager}: ${errorMessage(cause)}`, { cause })
  } finally {
    socket.destroy()
  }
  throw new ShoalError(
    'WRONG_CA',
    403,
    `The manager at ${manager} does not belong to the cluster that the join token is for: check the address, and that the token is not of before swarm ca rotate`,
  )
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
