import { ShoalError } from '../../../../core/errors.ts'
import type { ServiceSpec } from '../../../../core/model/service.ts'
import { runHooks } from '../../../../docker-api/index.ts'
import type { Known } from './known-containers.ts'
import type { Waiting } from './wait-dependency.ts'

/** What services want done in their containers, by service; who is not named wants nothing. */
export type HooksOf = ReadonlyMap<string, Pick<ServiceSpec['container'], 'postStart' | 'preStop'>>

/** What starting and stopping containers as their services want it needs. */
export interface WithHooks extends Pick<Waiting, 'engine' | 'tell' | 'clock' | 'signal'> {
  readonly hooks: HooksOf
  /** How long containers may take to stop; empty: what each says itself. */
  readonly stopping: { readonly timeoutMs?: number }
  /** Told of each line that a hook writes; absent: nobody looks. */
  readonly onHookLine?: (container: Pick<Known, 'service' | 'number'>, line: string) => void
}

/** Of each hook: docker compose knows no end. */
export const HOOK_MS_MAX = 3_600_000

export function hooksOfServices(services: readonly ServiceSpec[]): HooksOf {
  return new Map(
    services.map(({ name, container: { postStart = [], preStop = [] } }) => [name, { postStart, preStop }]),
  )
}

/** Starts a container, and does in it what its service wants done then. Throws HOOK_FAILED: it runs on, as with docker compose. */
export function startContainer(container: Known, run: WithHooks): Promise<void> {
  return between('Starting', 'Started', { container, run }, async () => {
    await run.engine.containers.start(container.id)
    await runHooksIn(container, 'post_start', run)
  })
}

/** Stops a container that runs, after what its service wants done before. Throws HOOK_FAILED: it is not stopped then, as with docker compose. */
export function stopContainer(container: Known, run: WithHooks): Promise<void> {
  return between('Stopping', 'Stopped', { container, run }, async () => {
    await runHooksIn(container, 'pre_stop', run)
    await run.engine.containers.stop(container.id, run.stopping)
  })
}

export function restartContainer(container: Known, run: WithHooks): Promise<void> {
  return between('Restarting', 'Started', { container, run }, async () => {
    await runHooksIn(container, 'pre_stop', run)
    await run.engine.containers.restart(container.id, run.stopping)
    await runHooksIn(container, 'post_start', run)
  })
}

/** Does something with a container, and tells of its beginning and its end. */
async function between(
  doing: string,
  done: string,
  { container, run: { tell } }: { readonly container: Known; readonly run: WithHooks },
  work: () => Promise<void>,
): Promise<void> {
  tell(`Container ${container.name}`, doing)
  await work()
  tell(`Container ${container.name}`, done)
}

async function runHooksIn(container: Known, kind: 'post_start' | 'pre_stop', run: WithHooks): Promise<void> {
  const { id, service, summary } = container
  const { engine, clock, signal, hooks, onHookLine } = run
  const onLine = onHookLine === undefined ? undefined : (line: string) => onHookLine(container, line)
  const { postStart = [], preStop = [] } = hooks.get(service) ?? {}
  if (kind === 'post_start') {
    return runHooks(id, { service, kind, hooks: postStart, deadlineMs: HOOK_MS_MAX }, { engine, clock, signal, onLine })
  }
  // In what is paused, or ends again and again, nothing can be done.
  if (summary.State !== 'running') return
  try {
    // After Ctrl-C, too: that is what has the containers stopped.
    await runHooks(id, { service, kind, hooks: preStop, deadlineMs: HOOK_MS_MAX }, { engine, clock, onLine })
  } catch (error) {
    // It has ended or was removed meanwhile.
    if (!(error instanceof ShoalError && (error.status === 404 || error.status === 409))) throw error
  }
}
