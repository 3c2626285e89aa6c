import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { conflict, errorMessage, failed, invalidInput } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import {
  AUTHORITY_LIFE_MS,
  certifies,
  createCertificateMaker,
  isIssuedBy,
  isKeyOf,
  type KeyPair,
  LONE_LIFE_MS,
  lifeOf,
  readCertificate,
  renewAtMs,
} from '../../trust/index.ts'
import type { StoreFiles } from '../ports.ts'
import type { Certifier } from '../provision/trust.ts'
import { readIfThere } from '../store/if-there.ts'
import type { CertPlaces } from './cert-places.ts'

export interface CertPorts {
  readonly clock: Clock
  readonly random: Random
  readonly files: Pick<StoreFiles, 'writeDurably'>
  /** Does work while no other process makes certificates. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>
  /** Whose certificates they are. */
  readonly user: string
}

/** What one shows to an engine, and by what one knows it. PEM texts. */
export interface ClientFiles {
  readonly authority: string
  readonly certificate: string
  readonly key: string
}

const DAY_MS = 86_400_000

/**
 * The authority of a person's machines that are in no cluster, and the person's own certificate: made when they are first needed, with
 * keys that stay where they are made. Whoever has a certificate for asking is root on each of these machines.
 */
export class StoreCerts {
  readonly #places: CertPlaces
  readonly #ports: CertPorts

  constructor(places: CertPlaces, ports: CertPorts) {
    this.#places = places
    this.#ports = ports
  }

  /** The authority's certificate; undefined: none was made yet. */
  readAuthority(): Promise<string | undefined> {
    return readIfThere(this.#places.authority)
  }

  /**
   * The person's certificate; made if there is none, and made anew if it has aged or `isAnew`. Files that the person named are not
   * replaced unless that was asked for: throws BAD_CLIENT_CERTIFICATE for those that do not do.
   */
  async client({ isAnew = false }: { readonly isAnew?: boolean } = {}): Promise<ClientFiles> {
    return this.#ports.exclusively(async () => {
      const known = isAnew ? undefined : await this.#knownClient()
      return known ?? this.#newClient()
    })
  }

  /**
   * Signs for engines. `isForced`: one that is still good is signed anew, too, once. `known`: the authority by which the engine is known
   * here; if that is another than ours, whoever handed the machine on has it, and would be locked out.
   */
  async certifier({ isForced = false, known }: Signing = {}): Promise<Certifier> {
    let authority = await this.readAuthority()
    let isAsked = isForced
    let isLeft = false
    return {
      isLeft: () => isLeft,
      whyNot: (certificate, hosts) => {
        if (isAsked) return 'as you asked'
        isLeft = isOf(certificate, known) && !isOf(certificate, authority)
        if (isLeft) return undefined
        return whyAnew(certificate, { authority, hosts, nowMs: this.#ports.clock.nowMs() })
      },
      sign: async (csr, { name, hosts }) => {
        const signed = await this.#signEngine(csr, name, hosts)
        authority = signed.authorities
        isAsked = false
        return signed
      },
    }
  }

  async #signEngine(csr: string, name: string, hosts: readonly string[]) {
    const { random } = this.#ports
    const maker = createCertificateMaker(random)
    const request = await maker.readRequest(csr)
    if (request.name !== name) {
      throw invalidInput('BAD_REQUEST', `The host asked for a certificate of "${request.name}", and it is "${name}"`)
    }
    const authority = await this.#ports.exclusively(() => this.#authority())
    const life = this.#life(authority)
    const asked = { csr, authority, name, organisation: this.#ports.user, use: 'serve', hosts, life } as const
    return { certificate: await maker.signLone(asked), authorities: authority.certificate }
  }

  async #newClient(): Promise<ClientFiles> {
    const { random, user } = this.#ports
    const authority = await this.#authority()
    const maker = createCertificateMaker(random)
    const { csr, key } = await maker.request({ name: user, hosts: [] })
    const life = this.#life(authority)
    const asked = { csr, authority, name: user, organisation: user, use: 'ask', hosts: [], life } as const
    const certificate = await maker.signLone(asked)
    await this.#write(this.#places.clientKey, key, 0o600)
    await this.#write(this.#places.client, certificate, 0o644)
    return { authority: authority.certificate, certificate, key }
  }

  async #knownClient(): Promise<ClientFiles | undefined> {
    const { authority: authorityPath, client, clientKey, isNamed } = this.#places
    const [authority, certificate, key] = await Promise.all([authorityPath, client, clientKey].map(readIfThere))
    if (certificate === undefined && key === undefined) return undefined
    let why: string | undefined = 'its key or the authority is missing'
    if (authority !== undefined && certificate !== undefined && key !== undefined) {
      const nowMs = this.#ports.clock.nowMs()
      why = whyAnew(certificate, { authority, hosts: [], nowMs, isAgeIgnored: isNamed })
      // They are written one after the other, and whoever wrote them may have died in between.
      if (why === undefined && !isKeyOf(certificate, key)) why = `${clientKey} is not its key`
      if (why === undefined) return { authority, certificate, key }
    }
    if (!isNamed) return undefined
    throw conflict(
      'BAD_CLIENT_CERTIFICATE',
      `Cannot use the certificate ${client}: ${why}; replace it, or have it made with \`machine regenerate-certs --client-certs\``,
    )
  }

  /** Throws NO_AUTHORITY_KEY where only its certificate is here, and AUTHORITY_EXPIRED. */
  async #authority(): Promise<KeyPair> {
    const { authority, authorityKey, isNamed } = this.#places
    const [certificate, key] = await Promise.all([authority, authorityKey].map(readIfThere))
    if (certificate === undefined && key !== undefined && isNamed) {
      throw conflict('NO_AUTHORITY', `There is a key in ${authorityKey}, and no certificate for it in ${authority}`)
    }
    if (certificate === undefined) return this.#newAuthority()
    if (key === undefined) {
      throw conflict(
        'NO_AUTHORITY_KEY',
        `Nothing can be signed here: the key of ${authority} is not in ${authorityKey}; name it with --tls-ca-key`,
      )
    }
    if (readCertificate(certificate).notAfterMs <= this.#ports.clock.nowMs()) {
      throw conflict(
        'AUTHORITY_EXPIRED',
        `The authority in ${authority} has expired: move it and its key away, and run \`machine regenerate-certs --client-certs\` for each machine`,
      )
    }
    return { certificate, key }
  }

  async #newAuthority(): Promise<KeyPair> {
    const { clock, random, user } = this.#ports
    const nowMs = clock.nowMs()
    const life = { fromMs: nowMs, untilMs: nowMs + AUTHORITY_LIFE_MS }
    const made = await createCertificateMaker(random).authority(user, life, 'Shoal machines')
    // The key first: a certificate without its key could sign nothing, ever.
    await this.#write(this.#places.authorityKey, made.key, 0o600)
    await this.#write(this.#places.authority, made.certificate, 0o644)
    return made
  }

  #life({ certificate }: KeyPair) {
    return lifeOf(this.#ports.clock.nowMs(), LONE_LIFE_MS, readCertificate(certificate).notAfterMs)
  }

  async #write(path: string, text: string, mode: number): Promise<void> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await this.#ports.files.writeDurably(path, text, mode)
    } catch (cause) {
      throw failed('STORE_WRITE', `Cannot write ${path}: ${errorMessage(cause)}`, { cause })
    }
  }
}

interface Signing {
  readonly isForced?: boolean
  readonly known?: string | undefined
}

function isOf(certificate: string, authority: string | undefined): boolean {
  try {
    return authority !== undefined && isIssuedBy(certificate, authority)
  } catch {
    return false
  }
}

interface Wanted {
  readonly authority: string | undefined
  readonly hosts: readonly string[]
  readonly nowMs: number
  /** Only one that has expired does not do. */
  readonly isAgeIgnored?: boolean
}

/** Why a certificate has to be made anew; undefined: it need not be. */
function whyAnew(certificate: string, { authority, hosts, nowMs, isAgeIgnored = false }: Wanted): string | undefined {
  try {
    if (authority === undefined || !isIssuedBy(certificate, authority)) return 'it is of another authority'
    const facts = readCertificate(certificate)
    const lacking = hosts.filter(host => !certifies(certificate, host))
    if (lacking.length > 0) return `it is not for ${lacking.join(', ')}`
    const days = Math.floor((facts.notAfterMs - nowMs) / DAY_MS)
    if (facts.notAfterMs <= nowMs) return 'it has expired'
    return nowMs >= renewAtMs(facts) && !isAgeIgnored ? `it expires in ${days} days` : undefined
  } catch (error) {
    return errorMessage(error)
  }
}
