import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { errorCode, errorMessage, failed } from '../../core/errors.ts'
import type { RegistryAuth } from '../../docker-api/index.ts'

const HELPER_MS_MAX = 30_000
/** The name that stands for an identity token in place of a password. */
const TOKEN_USER = '<token>'

/** A registry, and the program `docker-credential-<name>` that keeps who we are to it. */
export interface KeptBy {
  readonly name: string
  readonly serveraddress: string
}

/** Undefined if the program does not know. Throws CREDENTIAL_HELPER. */
export async function askHelper({ name, serveraddress }: KeptBy): Promise<RegistryAuth | undefined> {
  const said = await call({ name, serveraddress }, 'get', serveraddress)
  if (said === undefined) return undefined
  const { Username = '', Secret = '' } = readAnswer(said, { name, serveraddress })
  return Username === TOKEN_USER
    ? { identitytoken: Secret, serveraddress }
    : { username: Username, password: Secret, serveraddress }
}

/** Gives it a password, or an identity token without the password that it was got with. Throws CREDENTIAL_HELPER. */
export async function storeInHelper(kept: KeptBy, auth: RegistryAuth): Promise<void> {
  const { username = '', password = '', identitytoken } = auth
  const secret =
    identitytoken === undefined
      ? { Username: username, Secret: password }
      : { Username: TOKEN_USER, Secret: identitytoken }
  await call(kept, 'store', JSON.stringify({ ServerURL: kept.serveraddress, ...secret }))
}

/** Resolves false if it knew nothing. Throws CREDENTIAL_HELPER. */
export async function eraseFromHelper(kept: KeptBy): Promise<boolean> {
  return (await call(kept, 'erase', kept.serveraddress)) !== undefined
}

/** What the program prints; undefined if it has nothing for this registry. */
async function call(kept: KeptBy, verb: 'get' | 'store' | 'erase', input: string): Promise<string | undefined> {
  const running = promisify(execFile)(programOf(kept), [verb], { timeout: HELPER_MS_MAX })
  // One that is not installed closes its input first; that is told below.
  running.child.stdin?.on('error', () => {})
  running.child.stdin?.end(`${input}\n`)
  try {
    return (await running).stdout
  } catch (cause) {
    const said = typeof cause === 'object' && cause !== null && 'stdout' in cause ? String(cause.stdout).trim() : ''
    if (/credentials not found/i.test(said)) return undefined
    const why = errorCode(cause) === 'ENOENT' ? 'it is not installed' : said || errorMessage(cause)
    throw helperFailed(kept, verb, why)
  }
}

function readAnswer(said: string, kept: KeptBy): { readonly Username?: string; readonly Secret?: string } {
  try {
    return JSON.parse(said) as { Username?: string; Secret?: string }
  } catch (cause) {
    throw helperFailed(kept, 'get', errorMessage(cause))
  }
}

const programOf = ({ name }: KeptBy): string => `docker-credential-${name}`

function helperFailed(kept: KeptBy, verb: string, why: string): Error {
  const sentence = `Cannot ${verb} the credentials for ${kept.serveraddress} with ${programOf(kept)}`
  return failed('CREDENTIAL_HELPER', `${sentence}: ${why}`)
}
