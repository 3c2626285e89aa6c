import { errorCode, errorMessage, type ShoalError, unavailable } from '../../core/errors.ts'
import type { ManagerAddress } from './manager-address.ts'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  EHOSTUNREACH: 'no route to the host',
  ENOENT: 'no such socket',
  ENOTFOUND: 'unknown host',
  ETIMEDOUT: 'no answer',
}

/** Nobody answers at the manager's address: says why, and what to do. */
export function unreachable(address: ManagerAddress, cause: unknown): ShoalError {
  const message = errorMessage(cause)
  const reason = REASONS[rootCode(cause) ?? ''] ?? message.slice(message.lastIndexOf(': ') + 1).trim()
  return unavailable(
    'MANAGER_UNREACHABLE',
    `Cannot connect to the manager at ${address.url}: ${reason}. Is it running? Start one with "swarm manage" or "npm run up", or set DOCKER_HOST`,
  )
}

/** The system's code, behind the wrapping of whoever tried to connect. */
function rootCode(error: unknown): string | undefined {
  return error instanceof Error && error.cause !== undefined ? rootCode(error.cause) : errorCode(error)
}

/** Says what to do when the client found nobody at the manager's address; any other error stays what it is. */
export function explainUnreachable(address: ManagerAddress, error: unknown): unknown {
  return errorCode(error) === 'ENGINE_UNAVAILABLE' ? unreachable(address, error) : error
}
