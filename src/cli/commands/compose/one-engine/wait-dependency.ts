import { type Clock, sleep } from '../../../../core/clock.ts'
import { failed } from '../../../../core/errors.ts'
import type { DependencySpec } from '../../../../core/model/service.ts'
import type { ContainerInspect, Engine } from '../../../../docker-api/index.ts'
import type { Known } from './known-containers.ts'

export interface Waiting {
  readonly engine: Engine
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly tell: (what: string, news: string) => void
}

const POLL_MS = 200

/**
 * Waits until containers of a service are as far as another service wants them. Throws DEPENDENCY_FAILED when they never will
 * be: unhealthy, ended, without a health check.
 */
export async function waitForContainers(
  containers: readonly Known[],
  condition: DependencySpec['condition'],
  waiting: Waiting,
): Promise<void> {
  if (condition === 'service_started') return
  await Promise.all(containers.map(container => waitForOne(container, condition, waiting)))
}

async function waitForOne(
  { id, name, service }: Known,
  condition: DependencySpec['condition'],
  { engine, clock, signal, tell }: Waiting,
): Promise<void> {
  tell(`Container ${name}`, 'Waiting')
  for (;;) {
    const { State } = await engine.containers.inspect(id)
    const isThere = condition === 'service_healthy' ? isHealthy(State, name) : hasCompleted(State, service)
    if (isThere) break
    await sleep(clock, POLL_MS, signal)
  }
  tell(`Container ${name}`, condition === 'service_healthy' ? 'Healthy' : 'Exited')
}

function isHealthy({ Status, Health, ExitCode }: ContainerInspect['State'], name: string): boolean {
  if (Status === 'exited' || Status === 'dead') throw dependencyFailed(`container ${name} exited (${ExitCode})`)
  if (Health === undefined || Health.Status === 'none') {
    throw dependencyFailed(`container ${name} has no healthcheck configured`)
  }
  if (Health.Status === 'unhealthy') throw dependencyFailed(`container ${name} is unhealthy`)
  return Health.Status === 'healthy'
}

function hasCompleted({ Status, ExitCode }: ContainerInspect['State'], service: string): boolean {
  if (Status !== 'exited') return false
  if (ExitCode === 0) return true
  throw failed('DEPENDENCY_FAILED', `service "${service}" didn't complete successfully: exit ${ExitCode}`)
}

function dependencyFailed(reason: string): Error {
  return failed('DEPENDENCY_FAILED', `dependency failed to start: ${reason}`)
}

/**
 * Waits until containers run and are healthy, where they say what that means. Throws DEPENDENCY_FAILED for one that ended or
 * is unhealthy.
 */
export async function waitUntilHealthy(containers: readonly Known[], waiting: Waiting): Promise<void> {
  const { engine, tell } = waiting
  await Promise.all(
    containers.map(async container => {
      const { State } = await engine.containers.inspect(container.id)
      if (State.Status === 'exited') {
        throw failed('DEPENDENCY_FAILED', `container ${container.name} exited (${State.ExitCode})`)
      }
      if (State.Health === undefined || State.Health.Status === 'none') tell(`Container ${container.name}`, 'Running')
      else await waitForOne(container, 'service_healthy', waiting)
    }),
  )
}
