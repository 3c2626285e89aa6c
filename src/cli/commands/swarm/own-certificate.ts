import { chmod, chown, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { failed } from '../../../core/errors.ts'
import type { ClientTls } from '../../../docker-api/index.ts'
import {
  authorityDigest,
  createCertificateMaker,
  isIssuedBy,
  readCertificate,
  replaceAuthorities,
  type Subject,
  splitPem,
  verifyCertificate,
} from '../../../trust/index.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { clientTlsFiles, namedHost, readClientTls } from '../../engine/engine-address.ts'
import { parseManagerAddress } from '../../manager/manager-address.ts'
import type { AuthorityView } from './authority-view.ts'
import type { NodeApi } from './node-api.ts'

interface Texts {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

interface Found {
  readonly files: Texts
  readonly texts: Texts
  readonly subject: Subject
}

/**
 * The certificate of the person who runs a command, which follows a change of the authority while the command waits for that: what it
 * shows, and whom it trusts, are read anew for each connection.
 */
export class OwnCertificate {
  readonly tls: ClientTls
  readonly #files: Texts
  readonly #context: CommandContext
  readonly #subject: Subject
  #texts: Texts
  /** What the managers were told. */
  #told = ''

  private constructor({ files, texts, subject }: Found, context: CommandContext) {
    this.#files = files
    this.#texts = texts
    this.#subject = subject
    this.#context = context
    this.tls = live(() => this.#texts)
  }

  /** Undefined: none is shown, or it is none of a person of a cluster. Throws BAD_FLAG. */
  static of(invocation: Invocation, context: CommandContext): OwnCertificate | undefined {
    // Over a socket, or over SSH, nobody shows one; nor to the manager of this machine, which nobody named.
    const host = namedHost(invocation, context)
    if (host === undefined || !('port' in parseManagerAddress(host))) return undefined
    const tls = readClientTls(invocation, context)
    if (tls?.ca === undefined || tls.cert === undefined || tls.key === undefined) return undefined
    const texts = { ca: String(tls.ca), cert: String(tls.cert), key: String(tls.key) }
    const { subject } = readCertificate(texts.cert)
    if (subject?.role !== 'client') return undefined
    return new OwnCertificate({ files: clientTlsFiles(invocation, context), texts, subject }, context)
  }

  get name(): string {
    return this.#subject.name
  }

  /** Does what this step of the change needs, and tells the managers; may be repeated. */
  async follow({ authorities, step }: AuthorityView, api: Pick<NodeApi, 'call'>): Promise<void> {
    const trusted = authorities.map(({ certificate }) => certificate).join('')
    await this.#trust(trusted)
    const signing = authorities.find(({ signs }) => signs)?.certificate
    if (step === 'renewing' && signing !== undefined && !isIssuedBy(this.#texts.cert, signing))
      await this.#renew(trusted, api)
    if (step === 'steady') return
    const trusts = splitPem(trusted).map(authorityDigest)
    const told = [readCertificate(this.#texts.cert).fingerprint, ...trusts].join(' ')
    if (this.#told === told) return
    await api.call('POST', '/v1/confirm', { trusts })
    this.#told = told
  }

  /** Others may be trusted by the same file. */
  async #trust(authorities: string): Promise<void> {
    const { clusterId } = this.#subject
    const ca = replaceAuthorities(this.#texts.ca, { clusterId, authorities })
    if (this.#texts.ca === ca) return
    await replace(this.#files.ca, ca)
    this.#texts = { ...this.#texts, ca }
  }

  async #renew(authorities: string, api: Pick<NodeApi, 'call'>): Promise<void> {
    const { key } = this.#texts
    const subject = this.#subject
    const { clock, random } = this.#context
    const { csr } = await createCertificateMaker(random).request({ name: subject.name, role: 'client', hosts: [], key })
    const { certificate } = (await api.call('POST', '/v1/renew', { csr })) as { readonly certificate: string }
    verifyCertificate(certificate, { authorities, nowMs: clock.nowMs(), subject })
    await replace(this.#files.cert, certificate)
    this.#texts = { ...this.#texts, cert: certificate }
  }
}

/** Properties that are read when they are needed. */
function live(texts: () => Texts): ClientTls {
  return {
    verify: true,
    get ca() {
      return texts().ca
    },
    get cert() {
      return texts().cert
    },
    get key() {
      return texts().key
    },
  }
}

/** Whole, whenever somebody reads it; the file stays where links lead, and whose it is, and readable for whoever may read it. */
async function replace(path: string, text: string): Promise<void> {
  try {
    const place = await realpath(path)
    const { mode, uid, gid } = await stat(place)
    const made = `${place}.new`
    await rm(made, { force: true })
    await writeFile(made, text, { mode: 0o600 })
    // Nobody but root can give a file away.
    await chown(made, uid, gid).catch(() => {})
    await chmod(made, mode)
    await rename(made, place)
  } catch (cause) {
    throw failed(
      'CANNOT_WRITE',
      `Cannot write ${path}, which the change of the authority makes anew: see swarm ca show`,
      {
        cause,
      },
    )
  }
}
