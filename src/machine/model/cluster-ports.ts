/** Where engines and agents answer, as docker-machine has it. */
export const ENGINE_PORT = 2_376
export const MANAGER_PORT = 3_376
/** Where the store beside a manager answers. */
export const STORE_PORT = 2_379
/** Where it meets those beside other managers. */
export const STORE_PEER_PORT = 2_380
export const MANAGER_LISTEN = `tcp://0.0.0.0:${MANAGER_PORT}`

/** At which port a manager answers that listens there: `tcp://0.0.0.0:3376`. */
export function managerPort(listen: string): string {
  return URL.parse(listen)?.port || String(MANAGER_PORT)
}
