import { failed, invalidInput } from '../../../../core/errors.ts'
import type { ApplyResult, ProjectView } from '../../../../core/model/control-api.ts'
import type { ProjectSpec } from '../../../../core/model/service.ts'
import { isTerminal } from '../../../../core/model/task.ts'
import type { CommandContext } from '../../../command.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'
import { planText } from '../plan-text.ts'
import { killLate } from '../watch/kill-late.ts'
import { placesOf, waitStopped } from '../watch/wait-stopped.ts'

export interface Removing {
  readonly api: ManagerApi
  readonly context: CommandContext
  readonly progress: Progress
  /** Kill what takes longer to stop. */
  readonly seconds: number | undefined
  readonly dryRun: boolean
}

const WAIT_MS = 300_000

/** Takes services out of a running project, and resolves when none of their containers runs. The others stay as they are. */
export async function removeServices(view: ProjectView, names: readonly string[], removing: Removing): Promise<void> {
  const { api, context, progress, seconds, dryRun } = removing
  const orphans = view.services.filter(({ name }) => !view.spec.services.some(service => service.name === name))
  if (orphans.length > 0) {
    const list = orphans.map(({ name }) => name).join(', ')
    throw invalidInput(
      'ORPHANS',
      `Services ${list} are no longer in the project: remove them first with up --remove-orphans`,
    )
  }
  const result = await api.apply(without(view.spec, names), { removeOrphans: true, dryRun })
  if (dryRun) {
    context.stdout.write(planText(removals(result)))
    return
  }
  const look = killLate({ api, clock: context.clock, seconds })
  await waitStopped({
    clock: context.clock,
    signal: context.signal,
    progress,
    timeoutMs: WAIT_MS,
    left: async () => {
      const now = look(await api.project(view.spec.name))
      const left = (now?.tasks ?? []).filter(task => names.includes(task.service) && !isTerminal(task.state))
      return left.length === 0 ? undefined : left
    },
    onTimeout: left => failed('STOP_TIMEOUT', `Not stopped after ${WAIT_MS / 1_000} s: ${placesOf(left)}`),
  })
  for (const name of names) progress.tell(`Service ${name}`, 'Removed')
}

function removals(result: ApplyResult): ApplyResult {
  return { ...result, steps: result.steps.filter(({ action }) => action === 'remove') }
}

/** The same project without some services; what depends on them goes on without. Pure. */
function without(spec: ProjectSpec, names: readonly string[]): ProjectSpec {
  return {
    ...spec,
    services: spec.services
      .filter(({ name }) => !names.includes(name))
      .map(each => ({ ...each, dependsOn: each.dependsOn.filter(({ service }) => !names.includes(service)) })),
  }
}
