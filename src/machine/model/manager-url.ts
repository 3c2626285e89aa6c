/** Where the manager of a machine answers: on the machine's address, at the port it listens on (`tcp://0.0.0.0:3376`). */
export function managerUrl(engineUrl: string, swarmHost: string): string {
  const { hostname } = new URL(engineUrl)
  const port = URL.parse(swarmHost)?.port || MANAGER_PORT
  return `tcp://${hostname}:${port}`
}

const MANAGER_PORT = '3376'
