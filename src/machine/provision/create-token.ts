import { MANAGER_SOCKET } from './host-paths.ts'
import type { ProvisionOptions, ProvisionPorts, ProvisionRequest } from './provision-options.ts'
import { Run } from './run.ts'
import { CREATE_TOKEN } from './scripts/trust-scripts.ts'

const TOKEN_MS_MAX = 60_000

/**
 * Has the manager of a host make a token by which one other joins. The request is for the machine of that manager. Throws
 * what connecting throws, NO_PRIVILEGE, and REMOTE_FAILED with what the manager says.
 */
export async function createToken(
  role: 'node' | 'manager' | 'client',
  request: ProvisionRequest,
  options: Pick<ProvisionOptions, 'sudoPassword' | 'signal' | 'onEvent'>,
  ports: ProvisionPorts,
): Promise<string> {
  const run = new Run(request, options, ports)
  try {
    await run.reach()
    const timed = { timeoutMs: TOKEN_MS_MAX, signal: options.signal }
    const said = await run.shell.do('make a join token', CREATE_TOKEN, [MANAGER_SOCKET, role], timed)
    return said.trim()
  } finally {
    await run.close()
  }
}
