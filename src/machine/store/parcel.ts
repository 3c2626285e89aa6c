import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { errorMessage, invalidInput } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { Machine } from '../model/machine.ts'
import { formatMachine, parseMachine } from './machine-file.ts'

/** A machine on its way from one person's store to another's. */
export interface Packed {
  readonly machine: Machine
  /** Files beside its record, by name. */
  readonly files: ReadonlyMap<string, Buffer>
}

const VERSION = 1
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const SALT_BYTES = 16
const NONCE_BYTES = 12
/** 64 MiB and about 0.2 s for each guess. */
const SCRYPT = { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 28 }

/** Names that a machine's files have; any other could lead out of its folder, or be taken for its record. */
const FILE_NAME = '^(known_hosts|id_[a-z0-9_]+|[a-z-]+\\.pem)$'
const TEXT_FILES = Type.Record(Type.String({ pattern: FILE_NAME }), Type.String(), { additionalProperties: false })
const OPEN = Compile(
  Type.Object({
    shoalMachines: Type.Literal(VERSION),
    machines: Type.Array(Type.Object({ record: Type.Unknown(), files: TEXT_FILES })),
  }),
)
const SEALED = Compile(
  Type.Object({
    shoalMachines: Type.Literal(VERSION),
    salt: Type.String(),
    nonce: Type.String(),
    tag: Type.String(),
    sealed: Type.String(),
  }),
)

/** Machines as a text: in the open, or sealed with a passphrase. */
export async function packMachines(
  machines: readonly Packed[],
  seal?: { readonly passphrase: string; readonly random: Random },
): Promise<string> {
  const open = JSON.stringify({
    shoalMachines: VERSION,
    machines: machines.map(({ machine, files }) => ({
      record: JSON.parse(formatMachine(machine)) as unknown,
      files: Object.fromEntries([...files].map(([name, content]) => [name, content.toString('base64')])),
    })),
  })
  if (seal === undefined) return `${open}\n`
  const [salt, nonce] = [seal.random.bytes(SALT_BYTES), seal.random.bytes(NONCE_BYTES)]
  const cipher = createCipheriv(CIPHER, await keyOf(seal.passphrase, salt), nonce)
  const sealed = Buffer.concat([cipher.update(open, 'utf8'), cipher.final()])
  const texts = { salt, nonce, tag: cipher.getAuthTag(), sealed }
  const encoded = Object.entries(texts).map(([name, bytes]) => [name, bytes.toString('base64')])
  return `${JSON.stringify({ shoalMachines: VERSION, ...Object.fromEntries(encoded) })}\n`
}

/** Reads it again; the passphrase is asked for where one is needed. Throws BAD_BUNDLE, or WRONG_PASSPHRASE. */
export async function unpackMachines(
  text: string,
  path: string,
  askPassphrase: () => Promise<string>,
): Promise<readonly Packed[]> {
  let value = parseJson(text, path)
  if (SEALED.Check(value)) {
    const [salt, nonce, tag, sealed] = [value.salt, value.nonce, value.tag, value.sealed].map(each =>
      Buffer.from(each, 'base64'),
    ) as [Buffer, Buffer, Buffer, Buffer]
    const key = await keyOf(await askPassphrase(), salt)
    value = parseJson(unseal({ key, nonce, tag, sealed }, path), path)
  }
  if (!OPEN.Check(value)) throw invalidInput('BAD_BUNDLE', `${path} was not made by \`machine export\``)
  return value.machines.map(({ record, files }) => ({
    machine: parseMachine(JSON.stringify(record), path),
    files: new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content, 'base64')])),
  }))
}

interface Sealed {
  readonly key: Buffer
  readonly nonce: Buffer
  readonly tag: Buffer
  readonly sealed: Buffer
}

function unseal({ key, nonce, tag, sealed }: Sealed, path: string): string {
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: 16 })
    decipher.setAuthTag(tag)
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8')
  } catch (cause) {
    throw invalidInput(
      'WRONG_PASSPHRASE',
      `${path} cannot be opened: the passphrase is wrong, or the file was changed`,
      {
        cause,
      },
    )
  }
}

async function keyOf(passphrase: string, salt: Buffer): Promise<Buffer> {
  const derive = promisify<string, Buffer, number, typeof SCRYPT, Buffer>(scrypt)
  return derive(passphrase, salt, KEY_BYTES, SCRYPT)
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalidInput('BAD_BUNDLE', `${path} was not made by \`machine export\`: ${errorMessage(cause)}`)
  }
}
