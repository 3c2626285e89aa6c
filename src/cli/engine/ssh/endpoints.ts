import { failed, type ShoalError, unavailable } from '../../../core/errors.ts'
import { MANAGER_SOCKET, OWN_SOCKETS } from '../own-sockets.ts'
import type { SshAddress } from './ssh-address.ts'
import type { Wanted } from './tunnels-port.ts'

/** Where somebody may answer on a host. */
export type Endpoint =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

const MANAGER: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: 3375 }
const ENGINES: readonly string[] = [...OWN_SOCKETS, '/var/run/docker.sock']

/** Where to look, each in order. */
export interface Endpoints {
  /** Who is meant, if anybody is there. */
  readonly first: readonly Endpoint[]
  /** Who is meant where nobody is. */
  readonly others: readonly Endpoint[]
}

/**
 * For the cluster where a manager runs, else where the same command would look on the host itself, and for a stock engine last. Whoever
 * means one of them names its socket.
 */
export function endpointsOf({ socketPath }: SshAddress, wanted: Wanted): Endpoints {
  const atSocket = (path: string): Endpoint => ({ kind: 'socket', path })
  if (socketPath !== undefined) return { first: [atSocket(socketPath)], others: [] }
  return {
    first: [atSocket(MANAGER_SOCKET), ...(wanted === 'manager' ? [MANAGER] : [])],
    others: ENGINES.map(atSocket),
  }
}

export const socketsAmong = (endpoints: readonly Endpoint[]): readonly string[] =>
  endpoints.flatMap(endpoint => (endpoint.kind === 'socket' ? [endpoint.path] : []))

/** What a host says of its sockets, and of programs that can connect to them where sshd cannot. */
export interface SocketReport {
  readonly sockets: readonly {
    readonly path: string
    readonly state: 'open' | 'denied' | 'other' | 'none'
    readonly group: string
  }[]
  /** Those that root can open, where sudo lets the user be root without a password. */
  readonly openToRoot: readonly string[]
  /** Absolute paths, ours first. */
  readonly programs: readonly string[]
}

/** Its name is the first word of each line. */
const LOOK = `for path; do
  group=$(stat -L -c %G -- "$path" 2>/dev/null) || group=-
  if [ -S "$path" ]; then
    if [ -w "$path" ]; then state=open; else state=denied; fi
  elif [ -e "$path" ]; then state=other
  elif [ -d "\${path%/*}/" ] && [ ! -x "\${path%/*}/" ]; then state=denied
  else state=none; fi
  printf '%s %s %s %s\\n' "$0" "$state" "$group" "$path"
done`

/**
 * Constant: paths are its arguments, behind what looks at them. Says `state group path` of each, then where our program
 * and docker's are. Where the user may not go and sudo asks nothing, it also says what root sees there.
 */
const SCRIPT = `look=$1
shift
said=$(sh -c "$look" socket "$@")
printf '%s\\n' "$said"
case $said in
  *'socket denied '*) sudo -n -- sh -c "$look" root "$@" < /dev/null 2> /dev/null ;;
esac
for program in shoal /opt/shoal/current/bin/shoal docker; do
  found=$(command -v "$program") && printf 'program %s\\n' "$found"
done
exit 0`

export function reportCommand(paths: readonly string[]): readonly string[] {
  return ['sh', '-c', SCRIPT, 'sh', LOOK, ...paths]
}

/** Reads what {@link reportCommand} prints; other lines, such as a greeting of the shell, are passed over. */
export function readReport(text: string): SocketReport {
  const lines = text.split('\n')
  return {
    sockets: lines.flatMap(line => {
      const [, state, group = '', path = ''] = /^socket (open|denied|other|none) (\S+) (\/.*)$/.exec(line) ?? []
      return isState(state) ? [{ path, state, group }] : []
    }),
    openToRoot: lines.flatMap(line => /^root open \S+ (\/.*)$/.exec(line)?.slice(1, 2) ?? []),
    programs: lines.flatMap(line => /^program (\/.*)$/.exec(line)?.slice(1, 2) ?? []),
  }
}

function isState(text: string | undefined): text is SocketReport['sockets'][number]['state'] {
  return text !== undefined
}

/** Whether somebody listens whom the user may not reach. What is in a folder that is closed to the user is there if root says so. */
export function isKeptFromUser({ sockets, openToRoot }: SocketReport): boolean {
  return sockets.some(({ path, state, group }) => state === 'denied' && (group !== '-' || openToRoot.includes(path)))
}

/** How to connect where sshd forwards nothing, or why nobody can. */
export type Detour = { readonly words: readonly string[] } | { readonly error: ShoalError }

/** What is left to do when none of the sockets could be forwarded. */
export function detourOf({ text, host, user }: SshAddress, report: SocketReport): Detour {
  const { sockets, openToRoot, programs } = report
  const cannot = (why: string): string => `Cannot connect to ${text}: ${why}`
  const open = sockets.find(({ state }) => state === 'open')
  const [program] = programs
  if (open !== undefined && program !== undefined) {
    return { words: dialWords(program, open.path) }
  }
  const [rootsOwn] = openToRoot
  if (open === undefined && rootsOwn !== undefined && program !== undefined) {
    // What lets somebody in without a password names the shell, not each program.
    return { words: ['sudo', '-n', '--', 'sh', '-c', 'exec "$@"', 'sh', ...dialWords(program, rootsOwn)] }
  }
  if (open !== undefined) {
    const why = `nothing answers at ${open.path} on ${host}, or its sshd forwards no sockets: start the engine there, set AllowStreamLocalForwarding yes, or install shoal or docker there`
    return { error: unavailable('ENGINE_UNAVAILABLE', cannot(why)) }
  }
  const denied = sockets.find(({ state }) => state === 'denied')
  if (denied !== undefined) {
    const remedies = [remedyFor(denied.group, user), ...(isManagers(denied) ? ['name the socket of its engine'] : [])]
    const why = `permission denied for ${denied.path} on ${host}: ${remedies.join(', or ')}`
    return { error: failed('SSH_SOCKET_DENIED', cannot(why)) }
  }
  const other = sockets.find(({ state }) => state === 'other')
  if (other !== undefined) return { error: failed('SSH_NO_SOCKET', cannot(`${other.path} on ${host} is not a socket`)) }
  if (sockets.length === 0) {
    const why = `nobody said what sockets are on ${host}: log in as a user who may use its engine and has a shell there`
    return { error: unavailable('ENGINE_UNAVAILABLE', cannot(why)) }
  }
  const missing = sockets.map(({ path }) => path).join(', ')
  return { error: unavailable('ENGINE_UNAVAILABLE', cannot(`there is no socket ${missing} on ${host}`)) }
}

const isManagers = ({ path }: { readonly path: string }): boolean => path === MANAGER_SOCKET

function dialWords(program: string, path: string): readonly string[] {
  return [program, '--host', `unix://${path}`, 'system', 'dial-stdio']
}

/** Whoever is in the group of a socket may use it; in that of root nobody should be. */
function remedyFor(group: string, user = 'the user'): string {
  if (group !== '-' && group !== 'root') return `add ${user} to the group ${group} there, or log in as another`
  return `log in as root, or let ${user} become root there without a password (NOPASSWD: /bin/sh in /etc/sudoers.d)`
}
