import { errorCode, errorMessage, notFound, ShoalError, unavailable } from '../../core/errors.ts'
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
    `Cannot connect to ${address.url}: ${reason}. Is a manager or an engine running there? Start one with "swarm manage", "npm run up" or "shoal engine", or set DOCKER_HOST`,
  )
}

/** The system's code, behind the wrapping of whoever tried to connect. */
function rootCode(error: unknown): string | undefined {
  return error instanceof Error && error.cause !== undefined ? rootCode(error.cause) : errorCode(error)
}

/**
 * Says what to do when nobody answers at the manager's address, or somebody who knows none of its pages (managers put a
 * code into every refusal); any other error stays what it is.
 */
export function explainUnreachable(address: ManagerAddress, error: unknown): unknown {
  if (errorCode(error) === 'ENGINE_UNAVAILABLE') return unreachable(address, error)
  if (!(error instanceof ShoalError) || error.status !== 404 || error.code !== 'ENGINE_REFUSED') return error
  const advice = 'a manager listens on port 3375 unless told otherwise; set DOCKER_HOST'
  return notFound('NOT_A_MANAGER', `What answers at ${address.url} is not a Shoal manager: ${advice}`)
}
