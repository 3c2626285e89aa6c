import { failed, invalidInput, notFound } from '../../../core/errors.ts'
import type { ProjectView, TaskView } from '../../../core/model/control-api.ts'
import { isTerminal } from '../../../core/model/task.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { createProgress } from '../../output/progress/progress.ts'
import { type ManagerApi, managerApi } from './manager-api.ts'
import { containersOf, startOnEngine, stopOnEngine } from './one-engine/change-state.ts'
import { engineRun } from './one-engine/engine-run.ts'
import { isUp } from './one-engine/known-containers.ts'
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
  if ((await managerApi(invocation, context).runner()) === 'engine') return changeHere(invocation, context, 'stop')
  return changeReplicas(invocation, context, view => {
    for (const name of invocation.args) requireService(view.spec, name)
    const names = invocation.args.length > 0 ? invocation.args : view.spec.services.map(({ name }) => name)
    return new Map(names.map(name => [name, 0]))
  })
}

/** `compose start`: as many replicas as the files say, for services that are known. */
export async function runStart(invocation: Invocation, context: CommandContext): Promise<number> {
  const api = managerApi(invocation, context)
  if ((await api.runner()) === 'engine') return changeHere(invocation, context, 'start')
  const { spec } = await loadSpec(invocation, context, { services: invocation.args, api })
  return changeReplicas(invocation, context, view => {
    const known = new Set(view.spec.services.map(({ name }) => name))
    return new Map(spec.services.filter(({ name }) => known.has(name)).map(({ name, replicas }) => [name, replicas]))
  })
}

/** On one engine services have no number of their own: it is `up` for these services, with what runs left as it is. */
async function scaleHere(invocation: Invocation, context: CommandContext): Promise<number> {
  const scales = parseScales(invocation.args)
  const { options } = invocation
  const choices = new Map([
    ['deps', false],
    ['recreate', false],
  ])
  const { runUp } = await import('./up/up.ts')
  return runUp(
    {
      ...invocation,
      args: [...scales.keys()],
      options: {
        ...options,
        flag: name => name === 'detach' || options.flag(name),
        choice: name => choices.get(name) ?? options.choice(name),
        list: name => (name === 'scale' ? invocation.args : options.list(name)),
      },
    },
    context,
  )
}

/** Stops or starts the containers that one engine has of services, and leaves it at that. */
async function changeHere(
  { args, options, globals }: Invocation,
  context: CommandContext,
  verb: 'stop' | 'start',
): Promise<number> {
  const project = await projectName(globals, context)
  const api = managerApi({ args, options, globals, command: verb }, context)
  const run = engineRun(api, { context, progress: createProgress(globals, context), options })
  const containers = await containersOf(project, args, run)
  if (options.flag('dryRun')) {
    const names = containers.filter(each => isUp(each) === (verb === 'stop')).map(({ name }) => name)
    context.stdout.write(names.map(name => `${verb} container ${name}\n`).join(''))
  } else if (verb === 'stop') await stopOnEngine(containers, run)
  else await startOnEngine(containers, project, run)
  return 0
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
