import { createHash } from 'node:crypto'

/** A public key of a host, as SSH sends it. */
export interface HostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, … */
  readonly type: string
  readonly bytes: Buffer
}

const LENGTH_BYTES = 4

/** Reads the type that stands at the beginning of a key (RFC 4253, 6.6); undefined for bytes that are no key. */
export function readHostKey(bytes: Buffer): HostKey | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined
  const length = bytes.readUInt32BE()
  if (length === 0 || length > bytes.length - LENGTH_BYTES) return undefined
  const type = bytes.toString('latin1', LENGTH_BYTES, LENGTH_BYTES + length)
  return /^[\x21-\x7e]+$/.test(type) ? { type, bytes } : undefined
}

/** As `ssh-keygen -l` shows it: `SHA256:` and 43 signs. */
export function fingerprint({ bytes }: HostKey): string {
  return `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`
}

export function isSameKey(a: HostKey, b: HostKey): boolean {
  return a.bytes.equals(b.bytes)
}
