import { invalidInput } from '../../core/errors.ts'
import type { CommandContext, Invocation, OptionDefinition } from '../command.ts'
import { CONTEXT_OPTION } from '../engine/docker-context.ts'
import { CLIENT_TLS_OPTIONS, namedHost } from '../engine/engine-address.ts'
import type { Target } from '../engine/engine-api.ts'
import { MANAGER_SOCKET } from '../engine/own-sockets.ts'
import { isSshAddress, parseSshAddress } from '../engine/ssh/ssh-address.ts'
import { type Look, type LookPorts, whoListens } from '../engine/who-listens.ts'

/** Which manager a command talks to, and how. */
export const MANAGER_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: '-H, --host <url>',
    summary: `the manager (default: $SHOAL_HOST, $DOCKER_HOST, that of this host: ${MANAGER_SOCKET} or tcp://127.0.0.1:3375)`,
  },
  // Without its letter, which is --cpu-shares where a container is described.
  { ...CONTEXT_OPTION, flags: '--context <name>' },
  ...CLIENT_TLS_OPTIONS,
]

/** Where a manager's API answers: a TCP address, a socket in the file system, or a host that is reached over SSH. */
export type ManagerAddress =
  | { readonly host: string; readonly port: number; readonly url: string }
  | { readonly socketPath: string; readonly url: string }
  | { readonly url: string }

/** Where `swarm manage` listens unless told otherwise. */
const DEFAULT_URL = 'tcp://127.0.0.1:3375'

/**
 * Where compose looks when nobody names a host: this machine's manager, our engine, Docker's. Not the agent of a node: what is
 * meant for a cluster would run on one host of it, and its manager would know nothing of that.
 */
export const LOCAL_HOSTS = [
  DEFAULT_URL,
  `unix://${MANAGER_SOCKET}`,
  'unix:///run/shoal/engine.sock',
  'unix:///var/run/docker.sock',
] as const
const DEFAULT_PORT = 3375

/** The manager that a command talks to: `--host`, else `$SHOAL_HOST`, else `$DOCKER_HOST`, else a docker context's, else this machine's. */
export async function managerAddress(
  flags: Pick<Invocation, 'options' | 'globals'>,
  context: Pick<CommandContext, 'env'> & LookPorts,
): Promise<ManagerAddress> {
  return parseManagerAddress(namedHost(flags, context) ?? (await ownManager(url => whoListens(url, context))))
}

/**
 * A manager with certificates answers root at its socket, and others only with a certificate. Where the socket is of no use it is still
 * the address if nobody answers at the port, so that it is told why.
 */
export async function ownManager(look: Look): Promise<string> {
  const socket = `unix://${MANAGER_SOCKET}`
  const presence = await look(socket)
  if (presence === 'answers') return socket
  return presence === 'nobody' || (await look(DEFAULT_URL)) === 'answers' ? DEFAULT_URL : socket
}

/** The manager that flags, variables or a docker context name; where none does, the one at the port of this machine. */
export function namedManager(
  flags: Pick<Invocation, 'options' | 'globals'>,
  context: Pick<CommandContext, 'env'>,
): ManagerAddress {
  return parseManagerAddress(namedHost(flags, context) ?? DEFAULT_URL)
}

/** The Docker Engine API of that manager, as the target of a command. */
export const MANAGER: Target = {
  hostOf: async (invocation, context) => (await managerAddress(invocation, context)).url,
  wanted: 'manager',
}

/** Reads `tcp://host[:port]`, `http://host[:port]`, `unix:///path`, `ssh://user@host[:port]` or `host[:port]`. Throws BAD_FLAG. */
export function parseManagerAddress(text: string): ManagerAddress {
  if (text.startsWith('unix://')) return { socketPath: text.slice('unix://'.length), url: text }
  if (isSshAddress(text)) return { url: parseSshAddress(text).text }
  const rest = text.replace(/^(tcp|http):\/\//, '').replace(/\/$/, '')
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(rest) ?? []
  const host = bracketed ?? plain
  if (host === undefined) {
    throw invalidInput('BAD_FLAG', `Cannot read host "${text}": expected tcp://host:port or unix:///path`)
  }
  const port = digits === undefined ? DEFAULT_PORT : Number(digits)
  return { host, port, url: `tcp://${bracketed === undefined ? host : `[${host}]`}:${port}` }
}
