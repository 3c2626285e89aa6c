import { Type } from 'typebox'
import { ShoalError } from '../../core/errors.ts'
import { type Peer, ROLES, type Role, type Subject, TOKEN_LIFE_MS } from '../../trust/index.ts'
import { type ApiRequest, type ApiRoute, isOn } from '../http/route.ts'
import { viewRevocations } from './acted.ts'
import { join, renew } from './issue.ts'
import type { TrustPorts } from './ports.ts'
import { askForNewKey } from './renewal.ts'
import { listCertificates, revoke } from './revoke.ts'
import { confirm, rotateAuthority, viewAuthority } from './rotation.ts'
import { createToken, listTokens, removeToken, rotateTokens, type TokenWish } from './tokens.ts'

export interface TrustRoutePorts extends TrustPorts {
  /** Who asks. */
  readonly peerOf: (raw: ApiRequest['raw']) => Peer
}

const text = Type.String({ maxLength: 20_000 })
const joinSchema = Type.Object({ token: Type.String({ maxLength: 300 }), csr: text })
const renewSchema = Type.Object({ csr: text })
const confirmSchema = Type.Object({ trusts: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 8 }) })
const tokenSchema = Type.Object({
  role: Type.Enum([...ROLES]),
  lifeMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 365 * TOKEN_LIFE_MS })),
  once: Type.Optional(Type.Boolean()),
})
const NEWCOMER_BYTES_MAX = 64 * 1024

/** Certificates, join tokens and the authority, under `/v1`. Any manager does it: what they write compares what they have read. */
export function trustRoutes(ports: TrustRoutePorts): ApiRoute[] {
  return [...memberRoutes(ports), ...tokenRoutes(ports), ...authorityRoutes(ports)]
}

function memberRoutes(ports: TrustRoutePorts): ApiRoute[] {
  return [
    {
      method: 'POST',
      path: '/v1/join',
      summary: 'Makes a certificate for whoever shows a join token',
      body: joinSchema,
      bodyBytesMax: NEWCOMER_BYTES_MAX,
      atOnce: true,
      handle: async ({ body, raw }) => ({
        json: await join(body as { token: string; csr: string }, remoteAddress(raw), ports),
      }),
    },
    {
      method: 'POST',
      path: '/v1/renew',
      summary: 'Makes the next certificate of whoever shows one',
      body: renewSchema,
      bodyBytesMax: NEWCOMER_BYTES_MAX,
      atOnce: true,
      handle: async ({ body, raw }) => {
        const { csr } = body as { readonly csr: string }
        return { json: await renew(csr, { ...shownBy(raw, ports), remoteAddress: remoteAddress(raw) }, ports) }
      },
    },
    {
      method: 'POST',
      path: '/v1/confirm',
      summary: 'Says which authorities somebody trusts who shows a certificate',
      body: confirmSchema,
      bodyBytesMax: NEWCOMER_BYTES_MAX,
      atOnce: true,
      handle: async ({ body, raw }) => {
        const { subject, fingerprint, keyDigest } = shownBy(raw, ports)
        await confirm({ ...(body as { trusts: string[] }), fingerprint, keyDigest, name: subject.name }, ports)
        return { json: {} }
      },
    },
    {
      method: 'POST',
      path: '/v1/leave',
      summary: 'Takes back the certificates of whoever shows one',
      bodyBytesMax: NEWCOMER_BYTES_MAX,
      atOnce: true,
      handle: async ({ raw }) => {
        await revoke(shownBy(raw, ports).subject.name, ports)
        return { json: {} }
      },
    },
  ]
}

interface Shown {
  readonly subject: Subject
  readonly fingerprint: string
  readonly keyDigest: string
}

function shownBy(raw: ApiRequest['raw'], { peerOf }: TrustRoutePorts): Shown {
  const { subject, fingerprint = '', keyDigest = '' } = peerOf(raw).certificate ?? {}
  if (subject !== undefined) return { subject, fingerprint, keyDigest }
  throw new ShoalError('NOT_ADMITTED', 401, 'No certificate was shown that this is about: connect with it over TLS')
}

function tokenRoutes(ports: TrustRoutePorts): ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/tokens',
      summary: 'The join tokens that can still be used, without their secrets',
      atOnce: true,
      handle: async () => ({ json: await listTokens(ports) }),
    },
    {
      method: 'POST',
      path: '/v1/tokens',
      summary: 'Makes a join token; it is told once',
      query: { rotate: 'end every other token of its role' },
      body: tokenSchema,
      atOnce: true,
      handle: async ({ body, query }) => {
        const make = isOn(query['rotate']) ? rotateTokens : createToken
        return { status: 201, json: await make(wishOf(body), ports) }
      },
    },
    {
      method: 'DELETE',
      path: '/v1/tokens/:id',
      summary: 'Ends a join token',
      atOnce: true,
      handle: async ({ params: { id = '' } }) => {
        await removeToken(id, ports)
        return { json: {} }
      },
    },
  ]
}

function authorityRoutes(ports: TrustRoutePorts): ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/certificates',
      summary: 'Who has a certificate',
      atOnce: true,
      handle: async () => ({ json: await listCertificates(ports) }),
    },
    {
      method: 'DELETE',
      path: '/v1/certificates/:name',
      summary: "Takes back everybody's trust in the certificates of a name",
      atOnce: true,
      handle: async ({ params: { name = '' } }) => {
        return { json: await revoke(name, ports) }
      },
    },
    {
      method: 'GET',
      path: '/v1/revocations',
      summary: 'Which managers have not acted yet on what was taken back',
      atOnce: true,
      handle: async () => ({ json: await viewRevocations(ports) }),
    },
    {
      method: 'POST',
      path: '/v1/certificates/:name/renew',
      summary: 'Has a manager or a node make another key, and get a certificate for it',
      query: { revokeOld: 'take back what it has for its present key, once it shows the new one' },
      atOnce: true,
      handle: async ({ params: { name = '' }, query }) => {
        await askForNewKey(name, { revokesOld: isOn(query['revokeOld']) }, ports)
        return { json: {} }
      },
    },
    {
      method: 'GET',
      path: '/v1/authority',
      summary: 'The authorities that are trusted, and how far a change of them is',
      atOnce: true,
      handle: async () => ({ json: await viewAuthority(ports) }),
    },
    {
      method: 'POST',
      path: '/v1/authority/rotate',
      summary: 'Changes the authority while the cluster runs',
      query: {
        force: 'go on without those who are away',
        resume: 'go on with a change that runs, and begin none',
        awaited: 'wait for the person who asks, too, and who says so with /v1/confirm',
      },
      atOnce: true,
      handle: async ({ query, raw }) => {
        const awaits = isOn(query['awaited']) ? shownBy(raw, ports).subject.name : undefined
        return {
          json: await rotateAuthority({ force: isOn(query['force']), awaits, resume: isOn(query['resume']) }, ports),
        }
      },
    },
  ]
}

function wishOf(body: unknown): TokenWish {
  const { role, lifeMs = TOKEN_LIFE_MS, once = false } = body as { role: Role; lifeMs?: number; once?: boolean }
  return { role, lifeMs, once }
}

/** Undefined over a socket of this host. */
function remoteAddress({ socket }: ApiRequest['raw']): string | undefined {
  return socket.remoteAddress?.replace(/^::ffff:/, '')
}
