import { X509Certificate } from 'node:crypto'

/** With its line feed. */
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\r?\n?/g

interface Replacing {
  readonly clusterId: string
  /** PEM of those that the cluster has now. */
  readonly authorities: string
}

/**
 * A file of authorities with those of one cluster replaced. It is a person's, who may trust others by it as well: whatever else stands
 * there stays as it is, be it something that we cannot read.
 */
export function replaceAuthorities(bundle: string, { clusterId, authorities }: Replacing): string {
  let isPut = false
  const replaced = bundle.replace(BLOCK, block => {
    if (!isOfCluster(block, clusterId)) return block
    const put = isPut ? '' : authorities
    isPut = true
    return put
  })
  if (isPut) return replaced
  return `${replaced}${replaced === '' || replaced.endsWith('\n') ? '' : '\n'}${authorities}`
}

/** A cluster's authorities all bear its id. */
function isOfCluster(block: string, clusterId: string): boolean {
  try {
    const certificate = new X509Certificate(block)
    const { O } = certificate.toLegacyObject().subject as unknown as Readonly<Record<string, unknown>>
    return certificate.ca && O === clusterId
  } catch {
    return false
  }
}
