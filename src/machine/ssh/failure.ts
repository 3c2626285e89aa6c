import { errorCode, errorMessage, failed, type ShoalError, unavailable } from '../../core/errors.ts'

/** Codes of the errors of connecting, and the exit codes that `machine` ends with for them. */
export const SSH_EXIT_CODES: Readonly<Record<string, number>> = {
  SSH_UNREACHABLE: 10,
  SSH_LOST: 10,
  SSH_HOST_KEY: 11,
  SSH_AUTH: 12,
  SSH_BAD_KEY: 12,
}

/** What was tried, for a message that says what to do. */
export interface Attempt {
  readonly user: string
  readonly host: string
  readonly port: number
  /** Of private keys and agents, in the order in which they were offered. */
  readonly offered: readonly string[]
  /** Keys that could not be read, each with why. */
  readonly passedOver?: readonly string[]
  /** What a person does to have a host trusted of which nothing is known. */
  readonly toTrust?: string
}

/** Errors of sockets, and what a person makes of them. */
const SOCKET_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is sshd running, and is the port right',
  ENOTFOUND: 'the name is not known: is it spelled right',
  EAI_AGAIN: 'the name cannot be looked up now: is there a network',
  EHOSTUNREACH: 'there is no way to it: is the host up',
  ENETUNREACH: 'there is no way to it: is there a network',
  ETIMEDOUT: 'it does not answer: is the host up, and does a firewall let the port through',
  ECONNRESET: 'it ended the connection: does sshd take connections (MaxStartups, hosts.deny)',
}

/** An error of connecting, told so that a person knows what to do. Only what may pass by itself is transient. */
export function connectFailure(error: unknown, attempt: Attempt): ShoalError {
  const { host, port } = attempt
  const where = `${host}:${port}`
  const code = errorCode(error) ?? ''
  const words = SOCKET_WORDS[code]
  // The cause says no more than its code, and would stand behind what is to be done.
  if (words !== undefined) return unavailable('SSH_UNREACHABLE', `Cannot reach ${where} (${code}): ${words}?`)
  const level = levelOf(error)
  const message = errorMessage(error)
  if (level === 'client-authentication') return authFailure(attempt, error)
  if (level === 'client-timeout' || message.includes('before handshake')) {
    return unavailable('SSH_UNREACHABLE', `${where} does not answer as sshd does (${message}): is the port right?`, {
      cause: error,
    })
  }
  return failed('SSH_FAILED', `Cannot speak SSH with ${where}: ${message}`, { cause: error })
}

/** How far a login has come. */
export type LoginStage = 'reach' | 'greet' | 'agree' | 'let in'

/** Of a host that falls silent, where it stands and what a person makes of that. */
const SILENCES: Readonly<Record<LoginStage, string>> = {
  reach: 'it does not answer: is the host up, and does a firewall let the port through?',
  greet: 'it takes connections and says nothing: does sshd listen there, and does it hang?',
  agree: 'sshd fell silent in the middle of the handshake: does it hang?',
  'let in': 'sshd fell silent while it was to let us in: does it wait for something there (PAM, DNS)?',
}

/** A host that says nothing more. */
export function silentHost({ host, port }: Attempt, stage: LoginStage, forS: number): ShoalError {
  return unavailable('SSH_UNREACHABLE', `Cannot reach ${host}:${port} (silent for ${forS} s): ${SILENCES[stage]}`)
}

/** A host that says something now and then, and lets nobody in. */
export function slowLogin({ host, port }: Attempt, forS: number): ShoalError {
  return unavailable('SSH_UNREACHABLE', `${host}:${port} has not let us in after ${forS} s: is the host overloaded?`)
}

export function authFailure({ user, host, port, offered, passedOver = [] }: Attempt, cause?: unknown): ShoalError {
  const first = offered.length === 0 ? 'there was no key to offer' : `offered were ${offered.join(', ')}`
  const tried = passedOver.length === 0 ? first : `${first}; passed over were ${passedOver.join(', ')}`
  return failed(
    'SSH_AUTH',
    `${host}:${port} lets ${user} in with none of our keys (${tried}): add the public key to ~/.ssh/authorized_keys of ${user} there, or name another key or user`,
    { cause },
  )
}

/** What OpenSSH's client says, and which failure that is; the first line that fits decides. */
const OPENSSH_WORDS: readonly {
  readonly says: RegExp
  readonly tell: (attempt: Attempt, line: string) => ShoalError
}[] = [
  {
    says: /host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|revoked host key/i,
    tell: ({ host, port, toTrust = 'add it with --host-key' }) =>
      failed('SSH_HOST_KEY', `The host key of ${host}:${port} is not trusted: compare it there, then ${toTrust}`),
  },
  { says: /permission denied|too many authentication failures/i, tell: attempt => authFailure(attempt) },
  {
    says: /connection refused|no route to host|network is unreachable|timed out|could not resolve|connection reset|closed by remote host/i,
    tell: ({ host, port }, line) => unavailable('SSH_UNREACHABLE', `Cannot reach ${host}:${port}: ${line}`),
  },
  {
    says: /^(ssh|kex_exchange_identification|mux_client|client_loop|Bad configuration|command-line)/i,
    tell: ({ host, port }, line) => failed('SSH_FAILED', `Cannot speak SSH with ${host}:${port}: ${line}`),
  },
]

/** Why `ssh` ended with 255; undefined: the command on the host did. */
export function opensshFailure(stderr: string, attempt: Attempt): ShoalError | undefined {
  const lines = stderr.split(/\r?\n/).filter(line => line.trim() !== '')
  for (const { says, tell } of OPENSSH_WORDS) {
    const line = lines.find(each => says.test(each))
    if (line !== undefined) return tell(attempt, line)
  }
  return undefined
}

/** A private key that cannot be used, and what to do with it. */
export function badKey(file: string, target: string, why: string): ShoalError {
  const remedy = remedyFor(why)
  return failed('SSH_BAD_KEY', `The key ${file} for ${target} cannot be used (${why}): ${remedy}`)
}

function remedyFor(why: string): string {
  if (/passphrase/i.test(why)) return 'add it to an agent (ssh-add), which asks for its passphrase'
  if (/no such file|ENOENT|permission denied|EACCES/i.test(why))
    return 'name a file that is there and that you may read'
  return 'convert it (ssh-keygen -p -f), or name another'
}

/** A connection that was there and is gone. */
export function lostConnection(host: string, why: string): ShoalError {
  return unavailable(
    'SSH_LOST',
    `The connection to ${host} was lost (${why}): the same command goes on where it stopped`,
  )
}

/** A command that was to carry bytes and ended before there were any. */
export function commandFailed(host: string, words: readonly string[], stderr: string): ShoalError {
  const said = stderr.trim().split('\n').at(-1) ?? ''
  return failed('REMOTE_FAILED', `\`${words.join(' ')}\` failed on ${host}: ${said === '' ? 'it says nothing' : said}`)
}

function levelOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('level' in error)) return undefined
  return typeof error.level === 'string' ? error.level : undefined
}
