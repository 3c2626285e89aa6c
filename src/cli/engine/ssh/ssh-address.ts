import { isIPv6 } from 'node:net'
import { invalidInput } from '../../../core/errors.ts'

/** What `ssh://[user@]host[:port][/path/to.sock]` says. */
export interface SshAddress {
  readonly text: string
  readonly host: string
  readonly user?: string
  readonly port?: number
  /** The socket on the host; absent: the one that commands there would use. */
  readonly socketPath?: string
}

const SCHEME = 'ssh://'
const PORT_MAX = 65_535
/** The room for a path in the address of a unix socket. */
const SOCKET_BYTES_MAX = 107

export function isSshAddress(text: string): boolean {
  return text.startsWith(SCHEME)
}

/** Throws BAD_FLAG. What could be an option of `ssh`, or a password, is no part of an address. */
export function parseSshAddress(text: string): SshAddress {
  const rest = text.slice(SCHEME.length)
  const [, login, bracketed, plain, digits, path = ''] =
    /^(?:([^@/]*)@)?(?:\[([^\]/@]*)\]|([^:/@?#[\]]*))(?::(\d{1,5}))?(\/[^?#]*)?$/.exec(rest) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw badAddress(text, 'expected ssh://user@host:port/path/to.sock')
  const isName = plain !== undefined && /^[a-zA-Z0-9_][a-zA-Z0-9._-]*$/.test(plain)
  if (!isName && !isIPv6(host)) throw badAddress(text, `"${host}" is no name of a host`)
  const port = digits === undefined ? undefined : Number(digits)
  if (port !== undefined && (port < 1 || port > PORT_MAX)) throw badAddress(text, `${port} is no port`)
  const user = userOf(text, login)
  const socketPath = socketOf(text, path)
  return {
    text,
    host,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    ...(socketPath === undefined ? {} : { socketPath }),
  }
}

function userOf(text: string, login: string | undefined): string | undefined {
  if (login === undefined) return undefined
  // Not shown: it may be real.
  if (login.includes(':')) {
    throw invalidInput('BAD_FLAG', 'Cannot use an ssh:// address with a password in it: log in with a key')
  }
  const user = decoded(text, login)
  if (!/^[\w][\w.@+\\-]*\$?$/.test(user)) throw badAddress(text, `"${user}" is no name of a user`)
  return user
}

function socketOf(text: string, path: string): string | undefined {
  if (path === '' || path === '/') return undefined
  const socketPath = decoded(text, path)
  if (/\p{Cc}/u.test(socketPath)) throw badAddress(text, 'there is a control character in its path')
  if (Buffer.byteLength(socketPath) > SOCKET_BYTES_MAX) throw badAddress(text, 'its path is too long for a socket')
  return socketPath
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw badAddress(text, `"${part}" has a % that means nothing`)
  }
}

function badAddress(text: string, why: string): Error {
  return invalidInput('BAD_FLAG', `Cannot use the address ${JSON.stringify(text)}: ${why}`)
}
