import { imageName, loadProject, nodeFileReader, servicesOf } from '../../../../compose/index.ts'
import { errorMessage } from '../../../../core/errors.ts'
import { mapParallel } from '../../../../core/parallel.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import { loadOptions } from '../spec/project-options.ts'
import { type ComposeCommand, withManager } from '../with-manager.ts'
import { carryImage } from './carry-image.ts'
import { findImage } from './find-image.ts'

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
    const isThere = options.text('policy') === 'missing' && (await findImage(image.image, manager)) !== undefined
    if (isThere) return progress.tell(`Image ${image.image}`, 'Skipped: it is there')
    if (options.flag('dryRun')) return void context.stdout.write(`pull image ${image.image}\n`)
    await carryImage('pull', image.image, { api: manager, context, progress }).catch((error: unknown) => {
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
    await carryImage('push', image, { api: manager, context, progress })
  })
})

async function serviceImages({ args, options, globals, context }: ComposeCommand): Promise<readonly ServiceImage[]> {
  const load = await loadOptions(globals, context, { services: args, withDependencies: options.flag('includeDeps') })
  const project = loadProject(load, nodeFileReader)
  return Object.entries(servicesOf(project.model)).map(([service, fields]) => ({
    service,
    image: imageName(project.name, service, fields),
    isBuilt: fields['build'] !== undefined,
    isNamed: fields['image'] !== undefined,
  }))
}

function distinct(images: readonly ServiceImage[]): readonly ServiceImage[] {
  return [...new Map(images.map(each => [each.image, each])).values()]
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
