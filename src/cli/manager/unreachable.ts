import { errorCode, errorMessage, notFound, ShoalError, unavailable } from '../../core/errors.ts'
import { isDenied, rootCode } from '../engine/who-listens.ts'
import { LOCAL_HOSTS, type ManagerAddress } from './manager-address.ts'

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
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
  const advice = isDenied(cause)
    ? 'Be root there (sudo), or set DOCKER_HOST to where you are let in'
    : 'Is a manager or an engine running there? Start one with "swarm manage", "npm run up" or "shoal engine", or set DOCKER_HOST'
  return unavailable(
    'MANAGER_UNREACHABLE',
    `Cannot connect to ${address.url}: ${reason}${elsewhere(address)}. ${advice}`,
  )
}

/** Where else compose has looked, or would have, when nobody named a host. */
function elsewhere({ url }: ManagerAddress): string {
  const [first, ...others] = LOCAL_HOSTS
  return url === first ? ` (${others.join(' and ')} serve compose if they are there)` : ''
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
