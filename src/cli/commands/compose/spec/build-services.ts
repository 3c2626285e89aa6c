import { asTree, imageName, type Project, servicesOf, type Tree } from '../../../../compose/index.ts'
import { invalidInput, unsupported } from '../../../../core/errors.ts'
import { directoryTrouble } from '../../../build-context/pack-context.ts'
import { findImage } from '../images/find-image.ts'
import { type BuildRun, buildDirectory, buildImage, checkBuild } from './build-image.ts'
import { buildSecrets } from './build-secrets.ts'
import { type ContextStage, type NamedContext, namedContexts } from './named-contexts.ts'
import type { BuiltImages } from './pin-images.ts'

/** So many images a manager can be told to build near to. */
const NEAR_MAX = 2

/**
 * Builds the images of services with a `build` section, each on one of the hosts, those that others are made of first; the other
 * hosts fetch them from there. Resolves with the id of each image, built now or before; an image that is not there and is not to be
 * built has none.
 */
export async function buildServices(project: Project, run: BuildRun): Promise<BuiltImages> {
  const built = new Map<string, string>()
  for (const name of run.services) await ensureBuilt(name, { project, run, built, trail: [] })
  return built
}

interface Building {
  readonly project: Project
  readonly run: BuildRun
  /** Ids by the names of images. */
  readonly built: Map<string, string>
  /** Services that wait for this one's image. */
  readonly trail: readonly string[]
}

/** Resolves with the id of a service's image; undefined if it has no build, or is not there and not to be built. */
async function ensureBuilt(name: string, building: Building): Promise<string | undefined> {
  const { project, run, built, trail } = building
  // One that others are made of need not be selected itself.
  const service = servicesOf(project.whole)[name] ?? {}
  const build = asTree(service['build'])
  if (Object.keys(build).length === 0) return undefined
  const image = imageName(project.name, name, service)
  const known = built.get(image) ?? (run.policy === 'always' ? undefined : await findBuilt(image, run))
  if (known !== undefined) built.set(image, known)
  if (known !== undefined || run.policy === 'never') return known
  if (trail.includes(name)) throw circle([...trail, name])
  checkBuild({ image, build })
  const stages = await stagesOf({ name, image, build }, building)
  run.progress.tell(`Image ${image}`, 'Building')
  const id = await buildImage(
    { image, build, secrets: await buildSecrets(build, { ...project, model: project.whole }), ...stages },
    run,
  )
  run.progress.tell(`Image ${image}`, 'Built')
  built.set(image, id)
  return id
}

async function findBuilt(image: string, { api, running }: BuildRun): Promise<string | undefined> {
  const pinned = running?.get(image)
  return (await findImage(image, api)) ?? (pinned === undefined ? undefined : await findImage(pinned, api))
}

interface Stages {
  readonly stages: readonly ContextStage[]
  readonly near: readonly string[]
}

/** Makes images of the contexts of a build besides its own. */
async function stagesOf(
  { name, image, build }: { readonly name: string; readonly image: string; readonly build: Tree },
  building: Building,
): Promise<Stages> {
  const contexts = namedContexts(image, build)
  const { run } = building
  const isCluster = contexts.length > 0 && (await run.api.runner()) !== 'engine'
  const made = contexts.filter(({ from }) => from !== 'image').length
  if (isCluster && made > NEAR_MAX) {
    const advice = `over hosts at most ${NEAR_MAX} contexts are directories and services: join them into one`
    throw unsupported('UNSUPPORTED_BUILD', `Cannot build ${image}: build.additional_contexts: ${advice}`)
  }
  const stages: ContextStage[] = []
  const near: string[] = []
  // Services first: where their images are, the others are made.
  for (const context of contexts.toSorted((a, b) => rank(a) - rank(b))) {
    const id = await imageOf(context, { image, near, building: { ...building, trail: [...building.trail, name] } })
    stages.push({ name: context.name, image: id })
    if (isCluster && context.from !== 'image') near.push(id)
  }
  return { stages, near }
}

function rank({ from }: NamedContext): number {
  return ['service', 'directory', 'image'].indexOf(from)
}

async function imageOf(
  context: NamedContext,
  { image, near, building }: { readonly image: string; readonly near: readonly string[]; readonly building: Building },
): Promise<string> {
  switch (context.from) {
    case 'image':
      return context.image
    case 'directory': {
      const trouble = await directoryTrouble(context.directory)
      if (trouble !== undefined) {
        const which = `build.additional_contexts.${context.name}: ${context.directory}`
        throw invalidInput('NO_CONTEXT', `Cannot build ${image}: ${which} ${trouble}`)
      }
      return buildDirectory({ image, directory: context.directory, near }, building.run)
    }
    case 'service': {
      const id = await ensureBuilt(context.service, building)
      if (id !== undefined) return id
      throw invalidInput('NO_CONTEXT', `Cannot build ${image}: service ${context.service} has no build`)
    }
  }
}

function circle(trail: readonly string[]): Error {
  return invalidInput('BUILD_CIRCLE', `Cannot build: the images are made of each other: ${trail.join(' -> ')}`)
}
