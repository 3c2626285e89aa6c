/** Shoal as one archive: the program, its Node and its packages. */
export interface Bundle {
  readonly version: string
  /** SHA-256 of the archive, hex. The host keeps it with what it unpacked. */
  readonly digest: string
  /** What `uname -m` says where it runs. */
  readonly architecture: string
  /** A gzipped tar. Read only when the host has another. */
  readonly content: () => Promise<Buffer>
}

/** Under which name the host keeps it. */
export function bundleId({ version, digest }: Pick<Bundle, 'version' | 'digest'>): string {
  return `${version}-${digest.slice(0, 12)}`
}
