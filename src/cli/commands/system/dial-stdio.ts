import { pipeline } from 'node:stream/promises'
import { dialApi } from '../../../docker-api/index.ts'
import type { RunCommand } from '../../command.ts'
import { namedHost, ownEngine } from '../../engine/engine-address.ts'
import { explained } from '../../engine/engine-api.ts'
import { portsFor } from '../../engine/open-client.ts'
import { MANAGER_SOCKET } from '../../engine/own-sockets.ts'
import { type Look, whoListens } from '../../engine/who-listens.ts'

/**
 * `shoal system dial-stdio`: what comes in goes to the manager of this host, if it has one, or else to its engine, and what it
 * says goes out, until it ends the connection. The end of the input is the end of what the other side hears; it may still answer.
 */
export const runDialStdio: RunCommand = async (invocation, context) => {
  const { stdin, stdout, signal } = context
  const warn = (message: string): void => void context.stderr.write(`Warning: ${message}\n`)
  const address = namedHost(invocation, context) ?? (await nearest(url => whoListens(url, context), warn))
  const ports = portsFor({ address, wanted: 'engine' }, invocation, context)
  const engine = await dialApi(address, ports, signal).catch((error: unknown) => {
    throw explained(error, address)
  })
  // Whoever started us may be gone before the engine has said all: then there is nobody to tell.
  const sending = pipeline(stdin, engine, { signal, end: true }).catch(() => {})
  try {
    await pipeline(engine, stdout, { signal, end: false })
  } finally {
    stdin.destroy()
    engine.destroy()
    await sending
  }
}

/**
 * Who is meant on this host where nobody is named: its manager, also where that is not for the user to ask, since what is meant for a
 * cluster is not done by one engine; its engine where there is none.
 */
export async function nearest(look: Look, warn: (message: string) => void): Promise<string> {
  const manager = `unix://${MANAGER_SOCKET}`
  const presence = await look(manager)
  if (presence === 'answers' || presence === 'denied') return manager
  const engine = await ownEngine(look)
  if (presence === 'dead') warn(`nobody answers at ${manager} any more: asking ${engine} instead, one host alone`)
  return engine
}
