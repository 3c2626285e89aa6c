import { createPublicKey } from 'node:crypto'
import type { CommandContext } from '../../cli/index.ts'
import { createCertificateMaker, sha256 } from '../../trust/index.ts'
import { readKey, writeKey } from '../trust/identity-files.ts'

const DIGEST_CHARS = 12

/**
 * What a cluster knows a person by: the name that is given, and which key it is. That is made here first, so that who was killed while
 * a certificate was on its way asks for another under the same name, and none stays in the cluster's list that nobody has.
 */
export async function personName(
  person: string,
  directory: string,
  { random }: Pick<CommandContext, 'random'>,
): Promise<string> {
  const key = (await readKey(directory)) ?? (await newKey(person, directory, { random }))
  return `${person}-${digestOf(key)}`
}

async function newKey(name: string, directory: string, { random }: Pick<CommandContext, 'random'>): Promise<string> {
  const { key } = await createCertificateMaker(random).request({ name, hosts: [] })
  await writeKey(directory, key)
  return key
}

/** Of a text that is no key too: whoever asks with it is told what is wrong with it. */
function digestOf(key: string): string {
  try {
    return sha256(createPublicKey(key).export({ type: 'spki', format: 'der' })).slice(0, DIGEST_CHARS)
  } catch {
    return sha256(Buffer.from(key)).slice(0, DIGEST_CHARS)
  }
}
