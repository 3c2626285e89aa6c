import type { CommandContext, Invocation, Options } from '../../../command.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import { confirm } from '../../system/confirm.ts'
import { engineRun } from '../one-engine/engine-run.ts'
import { upOnEngine } from '../one-engine/up-engine.ts'
import { planText } from '../plan-text.ts'
import { type Planned, planFileOf, readPlan, requireSamePlan, writePlan } from './plan-file.ts'
import { runUp } from './up.ts'
import { upOptions } from './up-here.ts'
import { recreatedServices, wantedProject } from './wanted-project.ts'

/** What `up` would do, as far as it can be told without building. */
async function makePlan(invocation: Invocation, context: CommandContext): Promise<Planned> {
  const { options, globals } = invocation
  const progress = createProgress(globals, context)
  const project = await wantedProject(invocation, context, { progress, policy: 'never' })
  const { api, wanted, running } = project
  const isEngine = (await api.runner()) === 'engine'
  const result = isEngine
    ? await upOnEngine(
        project,
        { ...upOptions(project, invocation), dryRun: true },
        engineRun(api, { context, progress, options }),
      )
    : await api.apply(wanted, {
        dryRun: true,
        recreate: recreatedServices(invocation, project),
        removeOrphans: options.flag('removeOrphans'),
      })
  for (const warning of result.warnings ?? []) context.stderr.write(`Warning: ${warning}\n`)
  return { result, wanted, model: project.project.model, running: running?.spec }
}

/** `compose plan`: shows what `up` would do. */
export async function runPlan(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options } = invocation
  const planned = await makePlan(invocation, context)
  const { result } = planned
  context.stdout.write(options.text('format') === 'json' ? `${JSON.stringify(result)}\n` : planText(result))
  const out = options.text('out')
  if (out !== undefined) await writePlan(planFileOf(planned), out, context.cwd)
  return 0
}

/** `compose apply`: shows what `up` would do, asks, and does it; or does exactly what a plan says that was kept. */
export async function runApply(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options } = invocation
  const file = options.text('plan')
  const kept = file === undefined ? undefined : await readPlan(file, context.cwd)
  const planned = await makePlan(invocation, context)
  if (kept !== undefined) requireSamePlan(kept, planFileOf(planned))
  context.stdout.write(planText(planned.result))
  if (options.flag('dryRun') || !planned.result.changed) return 0
  if (kept === undefined && !options.flag('yes')) {
    if (!(await confirm('The project is going to be changed.', context))) return 1
    // Who was asked may have thought for minutes.
    requireSamePlan(planFileOf(planned), planFileOf(await makePlan(invocation, context)))
  }
  return runUp({ ...invocation, options: detached(options) }, context)
}

/** As `up -d`; `--wait` waits anyway. */
function detached(options: Options): Options {
  return { ...options, flag: name => (name === 'detach' && !options.flag('wait')) || options.flag(name) }
}
