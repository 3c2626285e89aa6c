import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from '../../core/errors.ts'
import { invariant } from '../../core/invariant.ts'
import type { Random } from '../../core/random.ts'
import { fingerprint } from '../ssh/host-key.ts'

/** A pair of ed25519 keys, as OpenSSH's files have them. */
export interface SshKeyPair {
  /** The text of a file of a private key without a passphrase. */
  readonly privateKey: string
  /** `ssh-ed25519 AAAA… comment` */
  readonly publicKey: string
}

const TYPE = 'ssh-ed25519'
const SEED_BYTES = 32
/** What stands before the 32 bytes of an ed25519 key in PKCS #8 (RFC 8410, section 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const BLOCK_BYTES = 8
const LINE_CHARS = 70

/** Makes keys of 32 bytes of chance. The layout is that of OpenSSH's PROTOCOL.key. */
export function makeSshKey(random: Random, comment: string): SshKeyPair {
  const seed = random.bytes(SEED_BYTES)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  invariant(typeof x === 'string', 'an ed25519 key has a public half')
  const point = Buffer.from(x, 'base64url')
  const shown = Buffer.concat([text(TYPE), text(point)])
  const check = random.bytes(4)
  const hidden = Buffer.concat([
    check,
    check,
    text(TYPE),
    text(point),
    text(Buffer.concat([seed, point])),
    text(comment),
  ])
  const padding = Buffer.from(Array.from({ length: -hidden.length & (BLOCK_BYTES - 1) }, (_zero, index) => index + 1))
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    word(1),
    text(shown),
    text(Buffer.concat([hidden, padding])),
  ])
  const lines = whole.toString('base64').match(new RegExp(`.{1,${LINE_CHARS}}`, 'g')) ?? []
  const [begin, end] = ['BEGIN', 'END'].map(side => `-----${side} OPENSSH PRIVATE KEY-----`)
  return {
    privateKey: `${[begin, ...lines, end].join('\n')}\n`,
    publicKey: `${TYPE} ${shown.toString('base64')} ${comment}`,
  }
}

/** Reads a key from a file and from the one beside it. */
export async function readSshKey(path: string): Promise<SshKeyPair> {
  const [privateKey, publicKey] = await Promise.all([readFile(path, 'utf8'), readFile(`${path}.pub`, 'utf8')])
  return { privateKey, publicKey: publicKey.trim() }
}

/** Makes a key in a file, and its public half in the one beside it, unless it is there. */
export async function keepSshKey(path: string, comment: string, random: Random): Promise<SshKeyPair> {
  try {
    // The public half is written last: where it is, the private one is whole.
    return await readSshKey(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  const pair = makeSshKey(random, comment)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await rm(path, { force: true })
  await writeFile(path, pair.privateKey, { mode: 0o600 })
  await writeFile(`${path}.pub`, `${pair.publicKey}\n`)
  return pair
}

/** As `ssh-keygen -l` shows the key of a public half: `SHA256:` and 43 signs. */
export function publicKeyFingerprint({ publicKey }: SshKeyPair): string {
  const [type = ''] = publicKey.split(' ')
  return fingerprint({ type, bytes: bytesOf(publicKey) })
}

/** As clouds name keys, and OpenSSH once did: 16 bytes, `3b:16:…`. */
export function md5Fingerprint({ publicKey }: SshKeyPair): string {
  return createHash('md5')
    .update(bytesOf(publicKey))
    .digest('hex')
    .replace(/..(?=.)/g, '$&:')
}

function bytesOf(publicKey: string): Buffer {
  const [, base64 = ''] = publicKey.split(' ')
  return Buffer.from(base64, 'base64')
}

/** A length and what is so long (RFC 4251, section 5). */
function text(content: string | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return Buffer.concat([word(bytes.length), bytes])
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
