import { hostLines, imageName, type Project, servicesOf, ulimits } from '../../../../compose/index.ts'
import { errorMessage, failed, unsupported } from '../../../../core/errors.ts'
import { parseBytes } from '../../../../core/units.ts'
import { type BuildOptions, type ProgressMessage, toUlimits } from '../../../../docker-api/index.ts'
import { packContext } from '../../../build-context/pack-context.ts'
import type { CommandContext } from '../../../command.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import { findImage } from '../images/find-image.ts'
import type { ManagerApi } from '../manager-api.ts'
import { buildSecrets } from './build-secrets.ts'
import type { BuiltImages } from './pin-images.ts'

export interface BuildRun {
  readonly api: ManagerApi
  readonly context: CommandContext
  readonly progress: Progress
  /** `missing`: only images that the cluster does not have. `never`: only find out which of them it has. */
  readonly policy: 'always' | 'missing' | 'never'
  /** Images of the project as it runs, by name: what is meant where no node knows the name any more. */
  readonly running?: BuiltImages
  readonly services: readonly string[]
  readonly noCache?: boolean
  readonly pull?: boolean
  readonly quiet?: boolean
  readonly buildArgs?: Readonly<Record<string, string>>
}

const WHOLE_ID = /^sha256:[0-9a-f]{64}$/

type Tree = Readonly<Record<string, unknown>>

/** Attributes of `build` that change nothing of the image; told, not silently dropped. */
const NO_EFFECT = ['cache_to', 'isolation', 'no_cache_filter', 'provenance', 'sbom']

/** Attributes of `build` without which the image would be another one, or none, each with what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  additional_contexts: 'copy what is needed into the context, or make it a stage of the Dockerfile',
  entitlements: 'no step of a build has rights that containers have not',
  privileged: 'no step of a build has rights that containers have not',
  ssh: 'use a secret for the key',
}

/**
 * Builds the images of services with a `build` section, each on one of the hosts; the others fetch them from there.
 * Resolves with the id of each image, built now or before; an image that is not there and is not to be built has none.
 */
export async function buildServices(project: Project, run: BuildRun): Promise<BuiltImages> {
  const built = new Map<string, string>()
  for (const name of run.services) {
    const service = servicesOf(project.model)[name] ?? {}
    const build = treeAt(service, 'build')
    if (Object.keys(build).length === 0) continue
    const image = imageName(project.name, name, service)
    const id = run.policy === 'always' ? undefined : await findBuilt(image, run)
    if (id !== undefined) built.set(image, id)
    if (id !== undefined || run.policy === 'never') continue
    run.progress.tell(`Image ${image}`, 'Building')
    built.set(image, await buildImage({ image, build, secrets: await buildSecrets(build, project) }, run))
    run.progress.tell(`Image ${image}`, 'Built')
  }
  return built
}

async function findBuilt(image: string, { api, running }: BuildRun): Promise<string | undefined> {
  const pinned = running?.get(image)
  return (await findImage(image, api)) ?? (pinned === undefined ? undefined : await findImage(pinned, api))
}

interface Wanted {
  readonly image: string
  readonly build: Tree
  readonly secrets: Readonly<Record<string, string>>
}

/** Throws UNSUPPORTED_BUILD for what would be another image. */
function checkBuild({ image, build }: Pick<Wanted, 'image' | 'build'>): void {
  const found = Object.keys(REFUSED).find(key => isAsked(build[key]))
  const refuse = (key: string, advice: string): Error =>
    unsupported('UNSUPPORTED_BUILD', `Cannot build ${image}: build.${key} is not supported: ${advice}`)
  if (found !== undefined) throw refuse(found, REFUSED[found] ?? '')
  const platforms = Array.isArray(build['platforms']) ? build['platforms'] : []
  if (platforms.length > 1) throw refuse('platforms', 'an image is built for the host that builds it; name one')
}

/** `false`, and lists and maps with nothing in them, ask for nothing. */
function isAsked(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

/** Resolves with the image's id. */
async function buildImage({ image, build, secrets }: Wanted, run: BuildRun): Promise<string> {
  checkBuild({ image, build })
  for (const key of NO_EFFECT) if (isAsked(build[key])) run.progress.warn(`build.${key} has no effect yet`)
  const directory = text(build['context']) ?? '.'
  if (/^[a-z+]+:\/\/|^git@/.test(directory)) {
    const advice = `the context ${directory} is not a directory of this machine; clone it first`
    throw failed('REMOTE_CONTEXT', `Cannot build ${image}: ${advice}`)
  }
  const { tar, dockerfile } = await packContext({
    directory,
    dockerfile: text(build['dockerfile']) ?? 'Dockerfile',
    inline: text(build['dockerfile_inline']),
  })
  const target = text(build['target'])
  const [platform] = Array.isArray(build['platforms']) ? build['platforms'].map(String) : []
  const options: BuildOptions = {
    tags: [image, ...(Array.isArray(build['tags']) ? build['tags'].map(String) : [])],
    dockerfile,
    buildArgs: { ...texts(build['args']), ...run.buildArgs },
    labels: texts(build['labels']),
    noCache: run.noCache === true || build['no_cache'] === true,
    pull: run.pull === true || build['pull'] === true,
    ...(target === undefined ? {} : { target }),
    ...(platform === undefined ? {} : { platform }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    ...cacheOf(build),
    ...hostOf(build),
  }
  const show = ({ stream }: ProgressMessage): void => {
    if (stream !== undefined && run.quiet !== true) run.progress.print(stream)
  }
  try {
    const id = await run.api.engine.images.build(tar, options, show, run.context.signal)
    // Old engines tell the beginning of the id only.
    return WHOLE_ID.test(id) ? id : (await run.api.engine.images.inspect(image)).Id
  } catch (cause) {
    if (run.context.signal.aborted) throw cause
    throw failed('BUILD_FAILED', `Cannot build ${image}: ${errorMessage(cause)}`, { cause })
  }
}

/** Images whose steps may be taken over: by name, or in the long form of other builders, of which only registries are read. */
function cacheOf(build: Tree): Pick<BuildOptions, 'cacheFrom'> {
  const entries = Array.isArray(build['cache_from']) ? build['cache_from'].map(String) : []
  const cacheFrom = entries.flatMap(entry =>
    entry.includes('=') ? (/(?:^|,)ref=([^,]+)/.exec(entry)?.[1] ?? []) : [entry],
  )
  return cacheFrom.length === 0 ? {} : { cacheFrom }
}

function hostOf(build: Tree): Pick<BuildOptions, 'hostConfig'> {
  const network = text(build['network'])
  const size = build['shm_size']
  const shmSize = typeof size === 'number' ? size : parseBytes(text(size) ?? '0')
  const hosts = hostLines(build['extra_hosts'])
  const limits = toUlimits(ulimits(build['ulimits']) ?? {})
  const hostConfig = {
    ...(network === undefined ? {} : { NetworkMode: network }),
    ...(shmSize === 0 ? {} : { ShmSize: shmSize }),
    ...(hosts.length === 0 ? {} : { ExtraHosts: hosts }),
    ...(limits.length === 0 ? {} : { Ulimits: limits }),
  }
  return Object.keys(hostConfig).length === 0 ? {} : { hostConfig }
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(isTree(value) ? value : {}).map(([key, field]) => [key, String(field)]))
}

function treeAt(tree: Tree, ...path: readonly string[]): Tree {
  const value = path.reduce<unknown>((at, key) => (isTree(at) ? at[key] : undefined), tree)
  return isTree(value) ? value : {}
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
