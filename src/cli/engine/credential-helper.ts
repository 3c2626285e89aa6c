import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { errorCode, errorMessage, failed } from '../../core/errors.ts'
import type { RegistryAuth } from '../../docker-api/index.ts'

const HELPER_MS_MAX = 30_000

/** Asks the program `docker-credential-<name>` who we are to a registry; undefined if it does not know. */
export async function askHelper(name: string, serveraddress: string): Promise<RegistryAuth | undefined> {
  const program = `docker-credential-${name}`
  const running = promisify(execFile)(program, ['get'], { timeout: HELPER_MS_MAX })
  // One that is not installed closes its input first; that is told below.
  running.child.stdin?.on('error', () => {})
  running.child.stdin?.end(`${serveraddress}\n`)
  try {
    const { Username = '', Secret = '' } = JSON.parse((await running).stdout) as { Username?: string; Secret?: string }
    return Username === '<token>'
      ? { identitytoken: Secret, serveraddress }
      : { username: Username, password: Secret, serveraddress }
  } catch (cause) {
    const said = typeof cause === 'object' && cause !== null && 'stdout' in cause ? String(cause.stdout).trim() : ''
    if (/credentials not found/i.test(said)) return undefined
    const why = errorCode(cause) === 'ENOENT' ? 'it is not installed' : said || errorMessage(cause)
    throw failed('CREDENTIAL_HELPER', `Cannot get credentials for ${serveraddress} from ${program}: ${why}`)
  }
}
