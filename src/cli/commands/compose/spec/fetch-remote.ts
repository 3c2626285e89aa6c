import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { sha256Digest } from '../../../../core/digest.ts'
import { failed, invalidInput } from '../../../../core/errors.ts'
import type { CommandContext } from '../../../command.ts'

const FETCH_MS_MAX = 30_000
/** As for files that are here. */
const BYTES_MAX = 16 * 2 ** 20
const REDIRECTS_MAX = 5

/**
 * Run by itself: the loader reads as files are read, at once, and a fetch cannot be. Every address on the way is held to the first one's
 * protocol: whoever stands between could choose where plain http leads.
 */
const PROGRAM = `
let address = new URL(process.argv[1])
let answer
for (let hops = 0; ; hops++) {
  if (hops > ${REDIRECTS_MAX}) throw new Error('it leads on and on')
  answer = await fetch(address, { redirect: 'manual' })
  const to = answer.headers.get('location')
  if (answer.status < 300 || answer.status > 399 || to === null) break
  const next = new URL(to, address)
  if (next.protocol !== address.protocol) throw new Error('it leads to ' + next.href)
  address = next
}
if (!answer.ok) throw new Error('status ' + answer.status)
for await (const chunk of answer.body) process.stdout.write(chunk)
`

/**
 * Gets a compose file from a web server, into a directory below the person's cache, and gives its path. `#sha256:<hex>` behind the
 * address says which content is meant: then a copy that is there is enough, and http is too. Throws REMOTE_FILE.
 */
export function fetchRemoteFile(
  url: string,
  { env, stderr, cwd }: Pick<CommandContext, 'env' | 'stderr' | 'cwd'>,
): string {
  const [address = '', fragment] = url.split('#')
  const pin = fragment?.toLowerCase()
  if (pin === undefined && !/^https:/i.test(address)) {
    throw invalidInput('REMOTE_FILE', `Cannot trust ${address}: use https, or say what it holds with #sha256:<hex>`)
  }
  const cache = env['XDG_CACHE_HOME'] ?? posix.join(env['HOME'] ?? cwd, '.cache')
  // A directory of its own: relative paths in the file start from there, not among the project's files.
  const directory = posix.join(cache, 'shoal/remote', sha256Digest(url).replace('sha256:', ''))
  const path = posix.join(directory, 'compose.yaml')
  if (pin !== undefined && digestOf(path) === pin) return path
  const content = download(address)
  const digest = sha256Digest(content)
  if (pin !== undefined && digest !== pin) {
    throw failed('REMOTE_FILE', `${address} is not what was meant: it has ${digest}`)
  }
  if (pin === undefined)
    stderr.write(`Warning: ${address} may change: to keep to what it holds now write ${address}#${digest}\n`)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

function digestOf(path: string): string | undefined {
  try {
    return sha256Digest(readFileSync(path))
  } catch {
    return undefined
  }
}

function download(address: string): Buffer {
  try {
    return execFileSync(process.execPath, ['--input-type=module', '-e', PROGRAM, address], {
      timeout: FETCH_MS_MAX,
      maxBuffer: BYTES_MAX,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (error) {
    throw failed('REMOTE_FILE', `Cannot fetch ${address}: ${reasonOf(error)}`)
  }
}

/** The last error that the program has told, with its cause. */
function reasonOf(error: unknown): string {
  const { code, stderr = '' } = error as { readonly code?: string; readonly stderr?: Buffer | string }
  if (code === 'ENOBUFS') return `it is larger than ${BYTES_MAX / 2 ** 20} MB`
  const told = [...String(stderr).matchAll(/(?:\w*Error(?: \[\w+\])?|cause\]: \w*Error): (.*)/g)].map(([, text = '']) =>
    text.replace(/ \{$/, ''),
  )
  return told.length === 0 ? (code ?? 'it does not answer') : told.join(': ')
}
