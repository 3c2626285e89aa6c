import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import { swarmGroup } from '../../../src/cli/index.ts'
import { type Outcome, pollingClock, runCommand } from './run.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

export interface SwarmManager {
  readonly host: string
  /** Runs a `swarm` command against it. */
  readonly swarm: (...argv: string[]) => Promise<Outcome>
}

/** A manager that answers so, until the test ends. */
export async function swarmManager(listener: RequestListener, clock = pollingClock()): Promise<SwarmManager> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  const none = () => Promise.reject(new Error('not meant'))
  const programs = { create: none, list: none, join: none, leave: none, manage: none, clientCertificate: none }
  const root = swarmGroup({ ...programs, engineFlags: [], tlsFlags: [] })
  return { host, swarm: (...argv) => runCommand(argv, { root, clock, env: { DOCKER_HOST: host } }) }
}
