import { errorCode, type ShoalError, unavailable } from '../../core/errors.ts'
import type { ManagerAddress } from './manager-address.ts'

/** Says what to do when nobody answers at the manager's address; any other error stays what it is. */
export function explainUnreachable(address: ManagerAddress, error: unknown): unknown {
  return errorCode(error) === 'ENGINE_UNAVAILABLE' && error instanceof Error
    ? unreachable(address, error.message)
    : error
}

function unreachable(address: ManagerAddress, message: string): ShoalError {
  const reason = message.slice(message.lastIndexOf(': ') + 2)
  return unavailable(
    'MANAGER_UNREACHABLE',
    `Cannot connect to the manager at ${address.url}: ${reason}. Is it running? Start one with "swarm manage" or "npm run up", or set DOCKER_HOST`,
  )
}
