import type { Clock } from '../../../../core/clock.ts'
import type { ProjectView, TaskView } from '../../../../core/model/control-api.ts'
import { currentTasks } from '../manager-api.ts'

/** How long a container must run at a stretch to be taken for one that does not end at once, again and again. */
export const STEADY_MS = 1_000
/** A container that its host had to start again so often, and for so long, will not come to rest: what it needs is not there. */
const RESTARTS_MAX = 3
const CRASHING_MS_MAX = 10_000

export interface Steadiness {
  /** Tasks that run, but not long enough yet to say that they are well. */
  readonly unsteady: ReadonlySet<string>
  /** Tasks that end and are started again, over and over: what docker says of them. */
  readonly crashing: readonly string[]
}

interface Run {
  /** Times it was started again before we looked first. */
  readonly restartsBefore: number
  readonly restarts: number
  readonly sinceMs: number
  /** When it was first seen to have ended; undefined: it has not. */
  readonly crashedMs: number | undefined
  readonly exitCode: number | undefined
}

/**
 * Looks at a project again and again, and tells which of its tasks only seem to run. Health checks say more, so a task that has one is
 * steady once it passes.
 */
export function createSteadiness(
  clock: Pick<Clock, 'monotonicMs'>,
  { services, before }: { readonly services: readonly string[]; readonly before: ReadonlySet<string> },
): (view: ProjectView) => Steadiness {
  const runs = new Map<string, Run>()
  const look = (task: TaskView): Run => {
    const { id, restarts, exitCode } = task
    const known = runs.get(id)
    // Between two runs it has an exit code.
    const isSame = known?.restarts === restarts && exitCode === undefined
    const nowMs = clock.monotonicMs()
    const restartsBefore = known?.restartsBefore ?? (before.has(id) ? restarts : 0)
    const run = {
      restartsBefore,
      restarts,
      sinceMs: isSame ? known.sinceMs : nowMs,
      crashedMs: known?.crashedMs ?? (restarts > restartsBefore ? nowMs : undefined),
      exitCode: exitCode ?? known?.exitCode,
    }
    runs.set(id, run)
    return run
  }
  return view => {
    const watched = currentTasks(view).filter(({ service, state }) => services.includes(service) && state === 'running')
    const unsteady = new Set<string>()
    const crashing: string[] = []
    for (const task of watched) {
      const run = look(task)
      if (isCrashing(run, clock.monotonicMs())) crashing.push(crashText(task, run))
      const isOld = before.has(task.id) && run.restarts === 0
      if (task.health !== 'none' || isOld) continue
      if (clock.monotonicMs() - run.sinceMs < STEADY_MS) unsteady.add(task.id)
    }
    return { unsteady, crashing }
  }
}

function isCrashing({ restarts, restartsBefore, crashedMs }: Run, nowMs: number): boolean {
  if (crashedMs === undefined) return false
  return restarts - restartsBefore >= RESTARTS_MAX && nowMs - crashedMs >= CRASHING_MS_MAX
}

function crashText({ name, service, node }: TaskView, { restarts, exitCode }: Run): string {
  const where = node === undefined ? '' : ` on ${node}`
  const code = exitCode === undefined ? 'exited' : `exited (${exitCode})`
  return `container ${name}${where} ${code}, and was started again ${restarts} times; see \`compose logs ${service}\``
}
