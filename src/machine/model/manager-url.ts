import { managerPort } from './cluster-ports.ts'

/** Where the manager of a machine answers: on the machine's address, at the port it listens on (`tcp://0.0.0.0:3376`). */
export function managerUrl(engineUrl: string, swarmHost: string): string {
  const { hostname } = new URL(engineUrl)
  return `tcp://${hostname}:${managerPort(swarmHost)}`
}
