import { sleep } from '../../../../core/clock.ts'
import { failed } from '../../../../core/errors.ts'
import type { Invocation } from '../../../command.ts'
import { containersOf, stopOnEngine } from '../one-engine/change-state.ts'
import { type EngineRun, engineRun } from '../one-engine/engine-run.ts'
import { isUp, knownContainers } from '../one-engine/known-containers.ts'
import { type UpOptions, type UpResult, upOnEngine } from '../one-engine/up-engine.ts'
import { waitUntilHealthy } from '../one-engine/wait-dependency.ts'
import { planText } from '../plan-text.ts'
import { type Pulling, pullImages } from './pull-images.ts'
import { pullWhatIsMissing } from './pull-missing.ts'
import { settle } from './settle.ts'
import { recreatedServices, type WantedProject } from './wanted-project.ts'

const WAIT_MS = 600_000

/** `compose up` on one engine: nobody makes containers of services there but we. */
export async function upHere(project: WantedProject, here: Pulling): Promise<number> {
  const { invocation, context, progress } = here
  const { options } = invocation
  const run = engineRun(project.api, { context, progress, options })
  const wished = upOptions(project, invocation)
  if (wished.dryRun) {
    context.stdout.write(planText(await upOnEngine(project, wished, run)))
    return 0
  }
  await pullImages(project, here)
  if (options.text('pull') !== 'always') await pullWhatIsMissing(project, here)
  const before = (await knownContainers(project.api.engine, project.spec.name)).filter(isUp)
  const startedMs = context.clock.nowMs()
  const result = await upOnEngine(project, wished, run)
  if (!result.changed) progress.tell(`Project ${project.spec.name}`, 'Everything is unchanged')
  if (!wished.start) return 0
  if (options.flag('wait')) await waitHealthy(result, options.number('waitTimeout'), run)
  if (options.flag('detach') || options.flag('wait')) return 0
  const ids = new Set(before.map(({ id }) => id))
  return attach({ invocation, context, progress, result, project, before: ids, here: { run, startedMs } })
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

/** Shows what the containers print. Ctrl-C stops them, as with docker compose: nobody else would. */
async function attach(settling: Parameters<typeof settle>[0]): Promise<number> {
  const { context, project, here } = settling
  try {
    return await settle(settling)
  } finally {
    if (context.signal.aborted && here !== undefined) {
      context.stderr.write('Gracefully stopping...\n')
      const names = project.spec.services.map(({ name }) => name)
      await stopOnEngine(await containersOf(project.spec.name, names, here.run), here.run)
    }
  }
}

async function waitHealthy({ containers }: UpResult, seconds: number | undefined, run: EngineRun): Promise<void> {
  const timeoutMs = seconds === undefined ? WAIT_MS : seconds * 1_000
  const over = new AbortController()
  const late = sleep(run.clock, timeoutMs, AbortSignal.any([run.signal, over.signal])).then(() => {
    throw failed('ROLLOUT_FAILED', `Not healthy after ${timeoutMs / 1_000} s`)
  })
  late.catch(() => {})
  try {
    const signal = AbortSignal.any([run.signal, over.signal])
    await Promise.race([waitUntilHealthy(containers, { ...run, signal }), late])
  } finally {
    over.abort()
  }
}
