import { failed, invalidInput, notFound } from '../../../core/errors.ts'
import type { ProjectView, TaskView } from '../../../core/model/control-api.ts'
import { isTerminal } from '../../../core/model/task.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { createProgress } from '../../output/progress/progress.ts'
import { changeHere, scaleHere } from './change-here.ts'
import { type ManagerApi, managerApi } from './manager-api.ts'
import { planText, tellSteps } from './plan-text.ts'
import { loadSpec, parseScales, requireService, withScales } from './spec/load-spec.ts'
import { projectName } from './spec/project-name.ts'
import { killLate } from './watch/kill-late.ts'
import { replacedServices } from './watch/rollout.ts'
import { waitForRollout } from './watch/wait-rollout.ts'
import { waitStopped } from './watch/wait-stopped.ts'

const WAIT_MS = 300_000

/** `compose scale web=3`: other numbers of replicas for services that run. */
export async function runScale(invocation: Invocation, context: CommandContext): Promise<number> {
  if (invocation.args.length === 0) throw invalidInput('BAD_FLAG', 'Cannot scale nothing: expected SERVICE=NUMBER')
  const api = managerApi(invocation, context)
  if ((await api.runner()) === 'engine') return scaleHere(invocation, context)
  return changeReplicas(invocation, context, () => parseScales(invocation.args))
}

/** `compose stop`: no replicas, while the services stay known; `start` brings them back. */
export async function runStop(invocation: Invocation, context: CommandContext): Promise<number> {
  const api = managerApi(invocation, context)
  if ((await api.runner()) === 'engine') return changeHere('stop', { ...invocation, api }, context)
  return changeReplicas(invocation, context, view => {
    for (const name of invocation.args) requireService(view.spec, name)
    const names = invocation.args.length > 0 ? invocation.args : view.spec.services.map(({ name }) => name)
    return new Map(names.map(name => [name, 0]))
  })
}

/** `compose start`: as many replicas as the files say, for services that are known. */
export async function runStart(invocation: Invocation, context: CommandContext): Promise<number> {
  const api = managerApi(invocation, context)
  if ((await api.runner()) === 'engine') return changeHere('start', { ...invocation, api }, context)
  const { spec } = await loadSpec(invocation, context, { services: invocation.args, api })
  return changeReplicas(invocation, context, view => {
    const known = new Set(view.spec.services.map(({ name }) => name))
    return new Map(spec.services.filter(({ name }) => known.has(name)).map(({ name, replicas }) => [name, replicas]))
  })
}

async function changeReplicas(
  invocation: Invocation,
  context: CommandContext,
  scalesOf: (view: ProjectView) => ReadonlyMap<string, number>,
): Promise<number> {
  const { globals, options } = invocation
  const name = await projectName(globals, context)
  const api = managerApi(invocation, context)
  const view = await requireProject(api, name)
  const scales = scalesOf(view)
  const wanted = withScales(view.spec, scales)
  if (options.flag('dryRun')) {
    context.stdout.write(planText(await api.apply(wanted, { dryRun: true })))
    return 0
  }
  const progress = createProgress(globals, context)
  const result = await api.apply(wanted, {})
  tellSteps(
    { ...result, steps: result.steps.filter(step => step.kind === 'service' && scales.has(step.name)) },
    progress,
  )
  await waitForRollout({
    watched: {
      goal: 'started',
      services: [...scales.keys()],
      before: new Set(view.tasks.map(task => task.id)),
      replaced: replacedServices(result.steps),
    },
    progress,
    clock: context.clock,
    signal: context.signal,
    timeoutMs: WAIT_MS,
    view: () => api.project(name),
  })
  const look = killLate({ api, clock: context.clock, seconds: options.number('timeout') })
  await waitStopped({
    clock: context.clock,
    signal: context.signal,
    timeoutMs: WAIT_MS,
    left: async () => surplusOf(look(await api.project(name)), scales),
    onTimeout: left =>
      failed('STOP_TIMEOUT', `Not stopped after ${WAIT_MS / 1_000} s: ${left.map(task => task.name).join(', ')}`),
  })
  return 0
}

export async function requireProject(api: ManagerApi, name: string): Promise<ProjectView> {
  const view = await api.project(name)
  if (view === undefined) throw notFound('NO_SUCH_PROJECT', `No such project: ${name}. Start it with \`compose up\``)
  return view
}

/** Replicas beyond those that are wanted, as long as they run; undefined: there are none. */
function surplusOf(
  view: ProjectView | undefined,
  scales: ReadonlyMap<string, number>,
): readonly TaskView[] | undefined {
  const isSurplus = ({ slot, service, state }: TaskView): boolean =>
    slot > (scales.get(service) ?? slot) && !isTerminal(state)
  const surplus = (view?.tasks ?? []).filter(isSurplus)
  return surplus.length === 0 ? undefined : surplus
}
