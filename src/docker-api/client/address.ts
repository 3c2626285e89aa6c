import { invalidInput } from '../../core/errors.ts'

/** Where an HTTP API answers. */
export type ApiAddress =
  | SystemAddress
  /** Connections are made by whoever gives the address. */
  | { readonly kind: 'dialled'; readonly text: string }

/** One that the system connects to. */
export type SystemAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string }

/** Reads `tcp://host:port`, `http://host:port`, `host:port` or `unix:///path`, as docker's -H does. */
export function parseApiAddress(text: string): SystemAddress {
  if (text.startsWith('unix://')) {
    const path = text.slice('unix://'.length)
    if (!path.startsWith('/')) throw badAddress(text)
    return { kind: 'unix', path, text }
  }
  const match = /^(?:(?:tcp|http):\/\/)?(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9._-]+):(\d{1,5})\/?$/.exec(text)
  const port = Number(match?.[2])
  const host = match?.[1]
  if (host === undefined || port < 1 || port > 65_535) throw badAddress(text)
  return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port, text: text.includes('://') ? text : `tcp://${text}` }
}

function badAddress(text: string): Error {
  return invalidInput(
    'BAD_API_ADDRESS',
    `Cannot use address "${text}": expected tcp://host:port or unix:///path/to/socket`,
  )
}
