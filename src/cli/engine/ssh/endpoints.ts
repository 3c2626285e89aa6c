import { failed, type ShoalError, unavailable } from '../../../core/errors.ts'
import { OWN_SOCKETS } from '../own-sockets.ts'
import type { SshAddress } from './ssh-address.ts'
import type { Wanted } from './tunnels-port.ts'

/** Where somebody may answer on a host. */
export type Endpoint =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

const MANAGER: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: 3375 }
const SOCKETS: readonly string[] = [...OWN_SOCKETS, '/var/run/docker.sock']

/** Where to look, in order: the same command would look there on the host itself, and for a stock engine last. */
export function endpointsOf({ socketPath }: SshAddress, wanted: Wanted): readonly Endpoint[] {
  const sockets = (socketPath === undefined ? SOCKETS : [socketPath]).map(
    (path): Endpoint => ({ kind: 'socket', path }),
  )
  return wanted === 'manager' && socketPath === undefined ? [MANAGER, ...sockets] : sockets
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
  /** Absolute paths, ours first. */
  readonly programs: readonly string[]
}

/** Constant: paths are its arguments. Says `state group path` of each, then where our program and docker's are. */
const SCRIPT = `for path; do
  group=$(stat -L -c %G -- "$path" 2>/dev/null) || group=-
  if [ -S "$path" ]; then
    if [ -w "$path" ]; then state=open; else state=denied; fi
  elif [ -e "$path" ]; then state=other
  elif [ -d "\${path%/*}/" ] && [ ! -x "\${path%/*}/" ]; then state=denied
  else state=none; fi
  printf 'socket %s %s %s\\n' "$state" "$group" "$path"
done
for program in shoal /opt/shoal/current/bin/shoal docker; do
  found=$(command -v "$program") && printf 'program %s\\n' "$found"
done
exit 0`

export function reportCommand(paths: readonly string[]): readonly string[] {
  return ['sh', '-c', SCRIPT, 'sh', ...paths]
}

/** Reads what {@link reportCommand} prints; other lines, such as a greeting of the shell, are passed over. */
export function readReport(text: string): SocketReport {
  const lines = text.split('\n')
  return {
    sockets: lines.flatMap(line => {
      const [, state, group = '', path = ''] = /^socket (open|denied|other|none) (\S+) (\/.*)$/.exec(line) ?? []
      return isState(state) ? [{ path, state, group }] : []
    }),
    programs: lines.flatMap(line => /^program (\/.*)$/.exec(line)?.slice(1, 2) ?? []),
  }
}

function isState(text: string | undefined): text is SocketReport['sockets'][number]['state'] {
  return text !== undefined
}

/** How to connect where sshd forwards nothing, or why nobody can. */
export type Detour = { readonly words: readonly string[] } | { readonly error: ShoalError }

/** What is left to do when none of the sockets could be forwarded. */
export function detourOf({ text, host }: SshAddress, { sockets, programs }: SocketReport): Detour {
  const cannot = (why: string): string => `Cannot connect to ${text}: ${why}`
  const open = sockets.find(({ state }) => state === 'open')
  const [program] = programs
  if (open !== undefined && program !== undefined) {
    return { words: [program, '--host', `unix://${open.path}`, 'system', 'dial-stdio'] }
  }
  if (open !== undefined) {
    const why = `nothing answers at ${open.path} on ${host}, or its sshd forwards no sockets: start the engine there, set AllowStreamLocalForwarding yes, or install shoal or docker there`
    return { error: unavailable('ENGINE_UNAVAILABLE', cannot(why)) }
  }
  const denied = sockets.find(({ state }) => state === 'denied')
  if (denied !== undefined) {
    const remedy =
      denied.group === '-'
        ? 'log in as another user'
        : `add the user to the group ${denied.group} there, or log in as another`
    return { error: failed('SSH_SOCKET_DENIED', cannot(`permission denied for ${denied.path} on ${host}: ${remedy}`)) }
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
