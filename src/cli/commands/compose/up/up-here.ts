import type { Invocation } from '../../../command.ts'
import { stopServices } from '../one-engine/change-state.ts'
import { asEngineTells, engineRun, type HookedRun } from '../one-engine/engine-run.ts'
import { isUp, knownContainers } from '../one-engine/known-containers.ts'
import { type UpOptions, upOnEngine } from '../one-engine/up-engine.ts'
import { waitAsAsked } from '../one-engine/wait-dependency.ts'
import { hooksOfServices } from '../one-engine/with-hooks.ts'
import { planText } from '../plan-text.ts'
import { showHookLines } from './hook-lines.ts'
import { type Pulling, pullImages } from './pull-images.ts'
import { pullWhatIsMissing } from './pull-missing.ts'
import { attachedServices, settle } from './settle.ts'
import { recreatedServices, type WantedProject } from './wanted-project.ts'

/** `compose up` on one engine: nobody makes containers of services there but we. */
export async function upHere(project: WantedProject, here: Pulling): Promise<number> {
  return asEngineTells(project.api, () => up(project, here))
}

async function up(project: WantedProject, here: Pulling): Promise<number> {
  const { invocation, context, progress } = here
  const { options } = invocation
  const hooks = hooksOfServices(project.spec.services)
  const run = { ...engineRun(project.api, { context, progress, options }), hooks }
  const wished = upOptions(project, invocation)
  if (wished.dryRun) {
    context.stdout.write(planText(await upOnEngine(project, wished, run)))
    return 0
  }
  await pullImages(project, here)
  if (options.text('pull') !== 'always') await pullWhatIsMissing(project, here)
  if (options.flag('detach') || options.flag('wait') || !wished.start) {
    const { containers } = await upOnEngine(project, wished, run)
    await waitAsAsked(containers, project.spec.services, { run, options })
    return 0
  }
  const onHookLine = showHookLines({
    services: attachedServices({ invocation, project }),
    isPrefixed: options.choice('logPrefix') !== false,
    progress,
    stdout: context.stdout,
  })
  return attach(project, here, { wished, run: { ...run, onHookLine } })
}

/** What `up`'s flags ask of one engine. Pure. */
export function upOptions(project: WantedProject, invocation: Invocation): UpOptions {
  const { options } = invocation
  return {
    dryRun: options.flag('dryRun'),
    recreate: recreatedServices(invocation, project),
    keep: options.choice('recreate') === false,
    start: options.choice('start') !== false,
    removeOrphans: options.flag('removeOrphans'),
    renewVolumes: options.flag('renewAnonVolumes'),
  }
}

interface Attaching {
  readonly wished: UpOptions
  readonly run: HookedRun
}

/** Shows what the containers print from their start on. Ctrl-C stops them, as with docker compose: nobody else would. */
async function attach(project: WantedProject, here: Pulling, { wished, run }: Attaching): Promise<number> {
  const { context } = here
  const { name, services } = project.spec
  const { engine } = project.api
  const [known, { SystemTime }] = await Promise.all([knownContainers(engine, name), engine.info()])
  const made = Promise.withResolvers<void>()
  let isDone = false
  const started = upOnEngine(project, wished, { ...run, onMade: made.resolve }).then(() => {
    isDone = true
  })
  started.catch(made.reject)
  try {
    await made.promise
    return await settle({
      ...here,
      project,
      result: { project: name, steps: [], changed: true },
      before: new Set(known.filter(isUp).map(({ id }) => id)),
      here: {
        run,
        started,
        existed: new Set(known.map(({ id }) => id)),
        // By the engine's clock, which its logs go by.
        sinceMs: Date.parse(SystemTime),
        isDone: () => isDone,
      },
    })
  } finally {
    if (context.signal.aborted) {
      context.stderr.write('Gracefully stopping...\n')
      // What is being started now would run on.
      await started.catch(() => {})
      const names = services.map(service => service.name)
      await stopServices(name, names, run)
    }
  }
}
