import { createProgress } from '../../../output/progress/progress.ts'
import { writeFiles } from '../one-engine/service-content.ts'
import { planText } from '../plan-text.ts'
import type { LoadedSpec } from '../spec/load-spec.ts'
import { loadSpec } from '../spec/load-spec.ts'
import { pinImages, pinnedImages } from '../spec/pin-images.ts'
import { buildPolicy } from '../up/wanted-project.ts'
import { type ComposeCommand, withManager } from '../with-manager.ts'
import { packedFiles } from './packed-files.ts'
import { runHere } from './run-here.ts'
import { requestOf, runOnce } from './run-once.ts'
import { startDependencies, surroundings } from './start-dependencies.ts'

/** `compose run SERVICE [COMMAND…]`: a container of its own, made as the service's are; the exit code is its process's. */
export const runRun = withManager(async command => {
  const { args, options, context, manager } = command
  const [service = ''] = args
  const loaded = await loadSpec(command, context, { services: [service], api: manager })
  const running = await manager.project(loaded.spec.name)
  const progress = createProgress(options.flag('quiet') ? quiet : command.globals, context)
  const spec = await withBuilt(command, loaded, { running, progress })
  if ((await manager.runner()) === 'engine') return runHere(command, { ...loaded, service, progress })
  const once = requestOf(command, { ...loaded, spec, service })
  if (options.flag('dryRun')) {
    const plan = await manager.apply(surroundings({ spec, service, running }), { dryRun: true })
    context.stdout.write(`${planText(plan)}+ run    container ${once.name}\n`)
    return 0
  }
  await startDependencies({ manager, context, progress, spec, service, running })
  progress.end()
  const own = spec.services.find(({ name }) => name === service)
  const files = packedFiles(own?.container.files ?? [], spec.contents)
  const prepare = (id: string): Promise<void> => writeFiles(manager.engine, { id, files, signal: context.signal })
  return runOnce(command, once, { service: own, prepare })
})

const quiet = { text: (name: string) => (name === 'progress' ? 'quiet' : undefined) }

async function withBuilt(
  { manager, context, options }: ComposeCommand,
  { project, spec }: LoadedSpec,
  {
    running,
    progress,
  }: {
    running: Awaited<ReturnType<ComposeCommand['manager']['project']>>
    progress: ReturnType<typeof createProgress>
  },
) {
  const { buildServices } = await import('../spec/build-services.ts')
  const built = await buildServices(project, {
    api: manager,
    context,
    progress,
    policy: buildPolicy(options),
    quiet: options.flag('quiet') || options.flag('quietBuild'),
    running: pinnedImages(running?.spec),
    services: spec.services.map(({ name }) => name),
  })
  return pinImages(spec, built)
}
