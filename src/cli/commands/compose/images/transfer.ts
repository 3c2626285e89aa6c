import { imageName, loadProject, nodeFileReader } from '../../../../compose/index.ts'
import { errorMessage, failed, ShoalError } from '../../../../core/errors.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import { loginFor } from '../../../engine/registry-login.ts'
import { createProgress } from '../../../output/progress.ts'
import { loadOptions } from '../spec/project-options.ts'
import { pullImage } from '../up/pull-images.ts'
import { type ComposeCommand, withManager } from '../with-manager.ts'

interface ServiceImage {
  readonly service: string
  readonly image: string
  readonly isBuilt: boolean
  /** The name comes from the file, not from the project's. */
  readonly isNamed: boolean
}

const PARALLEL = 4

/** `compose pull`: the services' images on all hosts, from their registries. */
export const runPull = withManager(async command => {
  const { options, context, manager } = command
  const all = await serviceImages(command)
  const images = distinct(
    all.filter(({ isBuilt, isNamed }) => !isBuilt || (isNamed && !options.flag('ignoreBuildable'))),
  )
  return each(command, images, 'ignorePullFailures', async (image, progress) => {
    const isThere = options.text('policy') === 'missing' && (await isKnown(command, image.image))
    if (isThere) return progress.tell(`Image ${image.image}`, 'Skipped: it is there')
    if (options.flag('dryRun')) return void context.stdout.write(`pull image ${image.image}\n`)
    await pullImage(image.image, { api: manager, context, progress }).catch((error: unknown) => {
      // What can be built need not be in a registry.
      if (!image.isBuilt || context.signal.aborted) throw error
      progress.warn(`${errorMessage(error)}; build it with \`compose build ${image.service}\``)
    })
  })
})

/** `compose push`: the images that were built for services, to their registries. */
export const runPush = withManager(async command => {
  const { options, context, manager } = command
  const images = distinct((await serviceImages(command)).filter(({ isBuilt, isNamed }) => isBuilt && isNamed))
  return each(command, images, 'ignorePushFailures', async ({ image }, progress) => {
    if (options.flag('dryRun')) return void context.stdout.write(`push image ${image}\n`)
    progress.tell(`Image ${image}`, 'Pushing')
    const auth = await loginFor(image, context.env)
    try {
      await manager.engine.images.push(image, auth === undefined ? {} : { auth }, context.signal)
    } catch (cause) {
      context.signal.throwIfAborted()
      throw failed('PUSH_FAILED', `Cannot push ${image}: ${errorMessage(cause)}`, { cause })
    }
    progress.tell(`Image ${image}`, 'Pushed')
  })
})

async function serviceImages({ args, options, globals, context }: ComposeCommand): Promise<readonly ServiceImage[]> {
  const load = await loadOptions(globals, context, { services: args, withDependencies: options.flag('includeDeps') })
  const project = loadProject(load, nodeFileReader)
  const services = project.model['services'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>
  return Object.entries(services).map(([service, fields]) => ({
    service,
    image: imageName(project.name, service, fields),
    isBuilt: fields['build'] !== undefined,
    isNamed: fields['image'] !== undefined,
  }))
}

function distinct(images: readonly ServiceImage[]): readonly ServiceImage[] {
  return [...new Map(images.map(each => [each.image, each])).values()]
}

async function isKnown({ manager }: ComposeCommand, image: string): Promise<boolean> {
  try {
    await manager.engine.images.inspect(image)
    return true
  } catch (error) {
    if (error instanceof ShoalError && error.status === 404) return false
    throw error
  }
}

/** Some at once; all are tried, and the first failure is thrown in the end unless failures are to be ignored. */
async function each(
  { options, globals, context }: ComposeCommand,
  images: readonly ServiceImage[],
  ignoreFlag: string,
  work: (image: ServiceImage, progress: ReturnType<typeof createProgress>) => Promise<void>,
): Promise<number> {
  const progress = createProgress(options.flag('quiet') ? { text: () => 'quiet' } : globals, context)
  const errors = await mapParallel(images, PARALLEL, image =>
    work(image, progress).then(
      () => undefined,
      (error: unknown) => error,
    ),
  )
  context.signal.throwIfAborted()
  const failures = errors.filter(error => error !== undefined)
  if (!options.flag(ignoreFlag)) for (const error of failures.slice(0, 1)) throw error
  for (const error of failures) progress.warn(errorMessage(error))
  return 0
}
