import { existsSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { dialApi } from '../../../docker-api/index.ts'
import type { RunCommand } from '../../command.ts'
import { namedHost, ownSocket } from '../../engine/engine-address.ts'
import { explained } from '../../engine/engine-api.ts'
import { portsFor } from '../../engine/open-client.ts'
import { MANAGER_SOCKET } from '../../engine/own-sockets.ts'

/**
 * `shoal system dial-stdio`: what comes in goes to the manager of this host, if it has one, or else to its engine, and what it
 * says goes out, until it ends the connection. The end of the input is the end of what the other side hears; it may still answer.
 */
export const runDialStdio: RunCommand = async (invocation, context) => {
  const { stdin, stdout, signal } = context
  const nearest = existsSync(MANAGER_SOCKET) ? MANAGER_SOCKET : ownSocket(existsSync)
  const address = namedHost(invocation, context) ?? `unix://${nearest}`
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
