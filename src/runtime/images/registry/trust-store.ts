import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, rootCertificates, type SecureContext, type SecureContextOptions } from 'node:tls'
import { errorCode, errorMessage, failed } from '../../../core/errors.ts'

/** Where distributions keep the certificates that their administrator trusts. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/**
 * Whom to trust as a registry, and what to show it: the system's authorities, and below `directory` (Docker's
 * /etc/docker/certs.d) for each `host[:port]` authorities in `*.crt` and pairs of `*.cert` and `*.key`.
 */
export class TrustStore {
  readonly #directory: string
  #system: Promise<readonly string[]> | undefined
  /** For hosts that have no certificates of their own: reading the system's takes a while. */
  #plain: SecureContext | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  /** For one host. Throws BAD_CERTIFICATES. */
  async contextFor(host: string): Promise<SecureContext> {
    const { authorities, pairs } = await this.#ownOf(host)
    const isPlain = authorities.length + pairs.length === 0
    if (isPlain && this.#plain !== undefined) return this.#plain
    this.#system ??= systemAuthorities()
    const ca = [...(await this.#system), ...authorities]
    const own: SecureContextOptions =
      pairs.length === 0 ? {} : { cert: pairs.map(({ cert }) => cert), key: pairs.map(({ key }) => key) }
    try {
      const context = createSecureContext({ ca, ...own })
      if (isPlain) this.#plain = context
      return context
    } catch (error) {
      throw certificateError(join(this.#directory, host), errorMessage(error))
    }
  }

  async #ownOf(host: string): Promise<OwnCertificates> {
    const directory = join(this.#directory, host)
    const names = await readdir(directory).catch((error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return [] as string[]
      throw certificateError(directory, errorMessage(error))
    })
    const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8')
    const authorities = await Promise.all(names.filter(name => name.endsWith('.crt')).map(read))
    const pairs = names.filter(name => name.endsWith('.cert')).map(name => name.slice(0, -'.cert'.length))
    for (const pair of pairs) {
      if (!names.includes(`${pair}.key`)) throw certificateError(directory, `the key ${pair}.key is missing`)
    }
    const lonely = names.find(name => name.endsWith('.key') && !pairs.includes(name.slice(0, -'.key'.length)))
    if (lonely !== undefined) throw certificateError(directory, `there is no certificate for ${lonely}`)
    return {
      authorities,
      pairs: await Promise.all(
        pairs.map(async name => ({ cert: await read(`${name}.cert`), key: await read(`${name}.key`) })),
      ),
    }
  }
}

interface OwnCertificates {
  readonly authorities: readonly string[]
  readonly pairs: readonly { readonly cert: string; readonly key: string }[]
}

async function systemAuthorities(): Promise<readonly string[]> {
  for (const path of SYSTEM_BUNDLES) {
    const bundle = await readFile(path, 'utf8').catch(() => undefined)
    if (bundle !== undefined) return [bundle]
  }
  return rootCertificates
}

function certificateError(directory: string, why: string): Error {
  return failed(
    'BAD_CERTIFICATES',
    `Cannot use the certificates in ${directory} (${why}): put authorities in *.crt, and your own in pairs of *.cert and *.key`,
  )
}
