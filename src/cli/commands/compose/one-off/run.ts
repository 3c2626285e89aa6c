import { serviceHash, servicesOf } from '../../../../compose/index.ts'
import { newHexId } from '../../../../core/random.ts'
import type { ContainerCreateRequest } from '../../../../docker-api/index.ts'
import type { Options } from '../../../command.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import { createWithImage, StartFailed, start, talk } from '../../container/run.ts'
import { planText } from '../plan-text.ts'
import type { LoadedSpec } from '../spec/load-spec.ts'
import { loadSpec } from '../spec/load-spec.ts'
import { pinImages, pinnedImages } from '../spec/pin-images.ts'
import { wantsTerminal } from '../wants-terminal.ts'
import { type ComposeCommand, withManager } from '../with-manager.ts'
import { runRequest } from './run-request.ts'
import { startDependencies, surroundings } from './start-dependencies.ts'

/** Letters of a slug that stand in a name. */
const SHORT = 12

/** `compose run SERVICE [COMMAND…]`: a container of its own, made as the service's are; the exit code is its process's. */
export const runRun = withManager(async command => {
  const { args, options, context, manager } = command
  const [service = ''] = args
  const loaded = await loadSpec(command, context, [service])
  const running = await manager.project(loaded.spec.name)
  const progress = createProgress(options.flag('quiet') ? quiet : command.globals, context)
  const spec = await withBuilt(command, loaded, { running, progress })
  const { name, request } = requestOf(command, { ...loaded, spec }, service)
  if (options.flag('dryRun')) {
    const plan = await manager.apply(surroundings({ spec, service, running }), { dryRun: true })
    context.stdout.write(`${planText(plan)}+ run    container ${name}\n`)
    return 0
  }
  await startDependencies({ manager, context, progress, spec, service, running })
  progress.end()
  return runOnce({ ...command, options: withName(options, name) }, request)
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
    policy: options.flag('dryRun') ? 'never' : options.flag('build') ? 'always' : 'missing',
    quiet: options.flag('quiet') || options.flag('quietBuild'),
    running: pinnedImages(running?.spec),
    services: spec.services.map(({ name }) => name),
  })
  return pinImages(spec, built)
}

function requestOf(
  { args, options, context }: ComposeCommand,
  { project, spec }: LoadedSpec,
  serviceName: string,
): { readonly name: string; readonly request: ContainerCreateRequest } {
  const service = spec.services.find(({ name }) => name === serviceName)
  if (service === undefined) throw new RangeError('The loader lets no other service through')
  const slug = newHexId(context.random)
  const name = options.text('name') ?? `${spec.name}-${service.name}-run-${slug.slice(0, SHORT)}`
  const oneOff = {
    project: spec,
    service,
    name,
    slug,
    hash: serviceHash(servicesOf(project.model)[serviceName] ?? {}),
    command: args.slice(1),
    tty: wantsTerminal(options, context),
    interactive: options.choice('interactive') !== false,
  }
  return { name, request: runRequest(oneOff, options, context) }
}

/** The flags of `docker run` that making a container reads. */
function withName(options: Options, name: string): Options {
  const pull = options.text('pull')
  return {
    ...options,
    flag: flag => options.flag(flag) || (flag === 'quiet' && options.flag('quietPull')),
    text: flag =>
      flag === 'name' ? name : flag === 'pull' ? (pull === 'policy' ? undefined : pull) : options.text(flag),
  }
}

async function runOnce(command: ComposeCommand, request: ContainerCreateRequest): Promise<number> {
  const { options, context } = command
  const id = await createWithImage(command, request)
  try {
    if (!options.flag('detach')) return await talk(command, id, request)
    await start(command, id)
    if (!options.flag('quiet')) context.stdout.write(`${id}\n`)
    return 0
  } catch (error) {
    throw error instanceof StartFailed ? error.cause : error
  }
}
