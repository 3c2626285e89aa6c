import type { Readable } from 'node:stream'
import { hostLines, ulimits } from '../../../../compose/index.ts'
import { errorMessage, failed, unsupported } from '../../../../core/errors.ts'
import { parseBytes } from '../../../../core/units.ts'
import { type BuildOptions, type ProgressMessage, toUlimits } from '../../../../docker-api/index.ts'
import { dockerfileText, packContext, packFilesOnly } from '../../../build-context/pack-context.ts'
import type { CommandContext } from '../../../command.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'
import { type ContextStage, withStages } from './named-contexts.ts'
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
  /** Bytes that a step may use. */
  readonly memory?: number | undefined
}

const WHOLE_ID = /^sha256:[0-9a-f]{64}$/

type Tree = Readonly<Record<string, unknown>>

/** Attributes of `build` that change nothing of the image; told, not silently dropped. */
const NO_EFFECT = ['cache_to', 'isolation', 'no_cache_filter', 'provenance', 'sbom']

/** Attributes of `build` without which the image would be another one, or none, each with what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  entitlements: 'no step of a build has rights that containers have not',
  privileged: 'no step of a build has rights that containers have not',
  ssh: 'use a secret for the key',
}

export interface WantedImage {
  readonly image: string
  readonly build: Tree
  readonly secrets: Readonly<Record<string, string>>
  /** Images that its Dockerfile knows by other names. */
  readonly stages: readonly ContextStage[]
  /** Images that must be where it is built. */
  readonly near: readonly string[]
}

/** Throws UNSUPPORTED_BUILD for what would be another image. */
export function checkBuild({ image, build }: Pick<WantedImage, 'image' | 'build'>): void {
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
export async function buildImage({ image, build, secrets, stages, near }: WantedImage, run: BuildRun): Promise<string> {
  for (const key of NO_EFFECT) if (isAsked(build[key])) run.progress.warn(`build.${key} has no effect yet`)
  const directory = text(build['context']) ?? '.'
  if (/^[a-z+]+:\/\/|^git@/.test(directory)) {
    const advice = `the context ${directory} is not a directory of this machine; clone it first`
    throw failed('REMOTE_CONTEXT', `Cannot build ${image}: ${advice}`)
  }
  const written = {
    directory,
    dockerfile: text(build['dockerfile']) ?? 'Dockerfile',
    inline: text(build['dockerfile_inline']),
  }
  const inline = stages.length === 0 ? written.inline : withStages(await dockerfileText(written), stages, image)
  const { tar, dockerfile } = await packContext({ ...written, inline })
  const target = text(build['target'])
  const [platform] = Array.isArray(build['platforms']) ? build['platforms'].map(String) : []
  const options: BuildOptions = {
    tags: [image, ...(Array.isArray(build['tags']) ? build['tags'].map(String) : [])],
    dockerfile,
    buildArgs: { ...texts(build['args']), ...run.buildArgs, ...nearArgs(near) },
    labels: texts(build['labels']),
    noCache: run.noCache === true || build['no_cache'] === true,
    pull: pullOf({ image, build, stages }, run),
    ...(target === undefined ? {} : { target }),
    ...(platform === undefined ? {} : { platform }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    ...cacheOf(build),
    ...hostOf(build, run),
  }
  return send(tar, { image, options, run })
}

/** What was made here is in no registry. */
function pullOf({ image, build, stages }: Pick<WantedImage, 'image' | 'build' | 'stages'>, run: BuildRun): boolean {
  const isAsked = run.pull === true || build['pull'] === true
  if (!isAsked || !stages.some(stage => WHOLE_ID.test(stage.image))) return isAsked
  run.progress.warn(`${image} is built without pulling: its additional contexts are images that are in no registry`)
  return false
}

/** An image of a directory's files and nothing else, under no name. */
export async function buildDirectory(
  { image, directory, near }: { readonly image: string; readonly directory: string; readonly near: readonly string[] },
  run: BuildRun,
): Promise<string> {
  const options: BuildOptions = {
    tags: [],
    dockerfile: 'Dockerfile',
    buildArgs: nearArgs(near),
    labels: {},
    noCache: run.noCache === true,
    pull: false,
  }
  return send(await packFilesOnly(directory), { image, options, run })
}

interface Sending {
  /** What is said to be built. */
  readonly image: string
  readonly options: BuildOptions
  readonly run: BuildRun
}

async function send(tar: Readable, { image, options, run }: Sending): Promise<string> {
  const { images } = run.api.engine
  const show = ({ stream }: ProgressMessage): void => {
    if (stream !== undefined && run.quiet !== true) run.progress.print(stream)
  }
  try {
    const id = await images.build(tar, options, show, run.context.signal)
    // Old engines tell the beginning of the id only.
    return WHOLE_ID.test(id) ? id : (await images.inspect(options.tags[0] ?? id)).Id
  } catch (cause) {
    if (run.context.signal.aborted) throw cause
    throw failed('BUILD_FAILED', `Cannot build ${image}: ${errorMessage(cause)}`, { cause })
  }
}

/** A manager's own words for where to build: the second stands for the same, and has another name. */
function nearArgs([first, second]: readonly string[]): Readonly<Record<string, string>> {
  return {
    ...(first === undefined ? {} : { 'affinity:image': `=${first}` }),
    ...(second === undefined ? {} : { 'affinity:image=': second }),
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

function hostOf(build: Tree, { memory }: BuildRun): Pick<BuildOptions, 'hostConfig'> {
  const network = text(build['network'])
  const size = build['shm_size']
  const shmSize = typeof size === 'number' ? size : parseBytes(text(size) ?? '0')
  const hosts = hostLines(build['extra_hosts'])
  const limits = toUlimits(ulimits(build['ulimits']) ?? {})
  const hostConfig = {
    ...(network === undefined ? {} : { NetworkMode: network }),
    ...(memory === undefined ? {} : { Memory: memory }),
    ...(shmSize === 0 ? {} : { ShmSize: shmSize }),
    ...(hosts.length === 0 ? {} : { ExtraHosts: hosts }),
    ...(limits.length === 0 ? {} : { Ulimits: limits }),
  }
  return Object.keys(hostConfig).length === 0 ? {} : { hostConfig }
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(isTree(value) ? value : {}).map(([key, field]) => [key, String(field)]))
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
