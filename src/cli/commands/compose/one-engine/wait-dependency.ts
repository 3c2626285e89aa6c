import { type Clock, sleep } from '../../../../core/clock.ts'
import { errorMessage, failed } from '../../../../core/errors.ts'
import type { DependencySpec, ServiceSpec } from '../../../../core/model/service.ts'
import type { ContainerInspect, Engine } from '../../../../docker-api/index.ts'
import type { Known } from './known-containers.ts'

export interface Waiting {
  readonly engine: Engine
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly tell: (what: string, news: string) => void
}

const POLL_MS = 200
/** How long a container must run at a stretch to be taken for one that does not end at once, again and again. */
const STEADY_MS = 1_000

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

/** Waits for all that a service depends on. What it can do without is only told of when it will never be there. */
export async function waitForDependencies(
  service: ServiceSpec | undefined,
  containersOf: (service: string) => readonly Known[],
  waiting: Waiting & { readonly warn: (message: string) => void },
): Promise<void> {
  await Promise.all(
    (service?.dependsOn ?? []).map(async ({ service: name, condition, required }) => {
      try {
        await waitForContainers(containersOf(name), condition, waiting)
      } catch (error) {
        waiting.signal.throwIfAborted()
        if (required) throw error
        waiting.warn(`optional dependency "${name}" failed to start: ${errorMessage(error)}`)
      }
    }),
  )
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
 * Waits until containers run and are healthy, where they say what that means, or have ended well, where another service waits
 * for that. Throws DEPENDENCY_FAILED for one that ended otherwise or is unhealthy.
 */
export async function waitUntilHealthy(
  containers: readonly Known[],
  services: readonly ServiceSpec[],
  waiting: Waiting,
): Promise<void> {
  const awaited = services.flatMap(({ dependsOn }) => dependsOn)
  const isToEnd = (name: string): boolean =>
    awaited.some(({ service, condition }) => service === name && condition === 'service_completed_successfully')
  await Promise.all(
    containers.map(each =>
      isToEnd(each.service) ? waitForOne(each, 'service_completed_successfully', waiting) : waitForRun(each, waiting),
    ),
  )
}

async function waitForRun(container: Known, waiting: Waiting): Promise<void> {
  const { engine, clock, signal, tell } = waiting
  let [startedAt, sinceMs] = ['', 0]
  for (;;) {
    const { State } = await engine.containers.inspect(container.id)
    const { Status, ExitCode, Health } = State
    if (Status === 'exited' || Status === 'dead') {
      throw failed('DEPENDENCY_FAILED', `container ${container.name} exited (${ExitCode})`)
    }
    const runs = Status === 'running' || Status === 'paused'
    if (runs && Health !== undefined && Health.Status !== 'none') {
      return waitForOne(container, 'service_healthy', waiting)
    }
    const nowMs = clock.monotonicMs()
    if (!runs || State.StartedAt !== startedAt) [startedAt, sinceMs] = [runs ? State.StartedAt : '', nowMs]
    else if (nowMs - sinceMs >= STEADY_MS) break
    await sleep(clock, POLL_MS, signal)
  }
  tell(`Container ${container.name}`, 'Running')
}
