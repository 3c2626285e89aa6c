import type { Clock } from '../../../../core/clock.ts'
import type { ProjectView } from '../../../../core/model/control-api.ts'
import { isTerminal } from '../../../../core/model/task.ts'
import type { ManagerApi } from '../manager-api.ts'

export interface KillLateOptions {
  readonly api: ManagerApi
  readonly clock: Clock
  /** Undefined: each container has the time that its service gives it. */
  readonly seconds: number | undefined
}

/**
 * Looks at a project again and again, and kills containers that were told to stop and still run after so many seconds: what
 * `--timeout` asks for. Gives back what it is given.
 */
export function killLate({ api, clock, seconds }: KillLateOptions): <T extends ProjectView | undefined>(view: T) => T {
  const since = new Map<string, number>()
  const killed = new Set<string>()
  return view => {
    if (view === undefined || seconds === undefined) return view
    const now = clock.monotonicMs()
    for (const { id, containerId, desired, state } of view.tasks) {
      const isStopping = (desired === 'stopped' || view.removing) && !isTerminal(state)
      if (!isStopping || containerId === undefined || killed.has(id)) continue
      const start = since.get(id) ?? now
      since.set(id, start)
      if (now - start < seconds * 1_000) continue
      killed.add(id)
      // It may have ended at this very moment, and then there is nothing to do.
      api.engine.containers.kill(containerId, 'SIGKILL').catch(() => {})
    }
    return view
  }
}
