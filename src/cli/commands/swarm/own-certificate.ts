import { rename, writeFile } from 'node:fs/promises'
import { failed } from '../../../core/errors.ts'
import type { ClientTls } from '../../../docker-api/index.ts'
import {
  authorityDigest,
  createCertificateMaker,
  isIssuedBy,
  readCertificate,
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

/**
 * The certificate of the person who runs a command, which follows a change of the authority while the command waits for that: what it
 * shows, and whom it trusts, are read anew for each connection.
 */
export class OwnCertificate {
  readonly tls: ClientTls
  readonly #files: Texts
  readonly #context: CommandContext
  #texts: Texts
  /** What the managers were told. */
  #told = ''

  private constructor(files: Texts, texts: Texts, context: CommandContext) {
    this.#files = files
    this.#texts = texts
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
    if (readCertificate(texts.cert).subject?.role !== 'client') return undefined
    return new OwnCertificate(clientTlsFiles(invocation, context), texts, context)
  }

  /** Does what this step of the change needs, and tells the managers; may be repeated. */
  async follow({ authorities, step }: AuthorityView, api: Pick<NodeApi, 'call'>): Promise<void> {
    await this.#trust(authorities.map(({ certificate }) => certificate).join(''))
    const signing = authorities.find(({ signs }) => signs)?.certificate
    if (step === 'renewing' && signing !== undefined && !isIssuedBy(this.#texts.cert, signing)) await this.#renew(api)
    if (step === 'steady') return
    const trusts = splitPem(this.#texts.ca).map(authorityDigest)
    const told = [readCertificate(this.#texts.cert).fingerprint, ...trusts].join(' ')
    if (this.#told === told) return
    await api.call('POST', '/v1/confirm', { trusts })
    this.#told = told
  }

  async #trust(ca: string): Promise<void> {
    if (this.#texts.ca === ca) return
    await replace(this.#files.ca, ca)
    this.#texts = { ...this.#texts, ca }
  }

  async #renew(api: Pick<NodeApi, 'call'>): Promise<void> {
    const { ca, cert, key } = this.#texts
    const { subject } = readCertificate(cert)
    if (subject === undefined) return
    const { clock, random } = this.#context
    const { csr } = await createCertificateMaker(random).request({ name: subject.name, role: 'client', hosts: [], key })
    const { certificate } = (await api.call('POST', '/v1/renew', { csr })) as { readonly certificate: string }
    verifyCertificate(certificate, { authorities: ca, nowMs: clock.nowMs(), subject })
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

/** Whole, whenever somebody reads it. */
async function replace(path: string, text: string): Promise<void> {
  try {
    await writeFile(`${path}.new`, text, { mode: 0o600 })
    await rename(`${path}.new`, path)
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
