import { invalidInput } from '../../core/errors.ts'
import type { CommandContext, Invocation, OptionDefinition } from '../command.ts'
import { namedHost } from '../engine/engine-address.ts'

export const HOST_OPTION: OptionDefinition = {
  flags: '-H, --host <url>',
  summary: 'the manager (default: $SHOAL_HOST, $DOCKER_HOST, tcp://127.0.0.1:3375)',
}

/** Where a manager's API answers: a TCP address or a socket in the file system. */
export type ManagerAddress =
  | { readonly host: string; readonly port: number; readonly url: string }
  | { readonly socketPath: string; readonly url: string }

const DEFAULT_URL = 'tcp://127.0.0.1:3375'
const DEFAULT_PORT = 3375

/** The manager that a command talks to: `--host`, else `$SHOAL_HOST`, else `$DOCKER_HOST`, else a docker context's, else this machine's. */
export function managerAddress(
  flags: Pick<Invocation, 'options' | 'globals'>,
  context: Pick<CommandContext, 'env'>,
): ManagerAddress {
  return parseManagerAddress(namedHost(flags, context) ?? DEFAULT_URL)
}

/** Reads `tcp://host[:port]`, `http://host[:port]`, `unix:///path` or `host[:port]`. Throws BAD_FLAG. */
export function parseManagerAddress(text: string): ManagerAddress {
  if (text.startsWith('unix://')) return { socketPath: text.slice('unix://'.length), url: text }
  const rest = text.replace(/^(tcp|http):\/\//, '').replace(/\/$/, '')
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(rest) ?? []
  const host = bracketed ?? plain
  if (host === undefined) {
    throw invalidInput('BAD_FLAG', `Cannot read host "${text}": expected tcp://host:port or unix:///path`)
  }
  const port = digits === undefined ? DEFAULT_PORT : Number(digits)
  return { host, port, url: `tcp://${bracketed === undefined ? host : `[${host}]`}:${port}` }
}
