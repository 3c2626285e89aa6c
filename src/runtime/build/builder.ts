import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../../core/clock.ts'
import { invalidInput } from '../../core/errors.ts'
import { familiarImageName, parseImageReference } from '../../core/image-reference.ts'
import type { Log } from '../../core/log.ts'
import { newShortId, type Random } from '../../core/random.ts'
import type { ImageOperations } from '../../docker-api/index.ts'
import { type ImageStore, LAYER_LIMITS, unpackArchive } from '../images/index.ts'
import { readFileInside } from '../linux/fd-path.ts'
import { type Build, type BuildContainers, STEP_LABEL } from './build.ts'
import { BuildCache } from './build-cache.ts'
import { parseDockerfile } from './instructions.ts'
import { ignoreRules } from './path-patterns.ts'
import { runBuild } from './run-build.ts'
import type { SourceTree } from './sources.ts'
import type { BuildState } from './state.ts'

export interface BuilderPorts {
  /** Scratch space for contexts and the build cache lie in `build/` below it. */
  readonly dataRoot: string
  readonly store: ImageStore
  /** The engine's containers, where RUN steps run; a function, because the engine is made after the builder. */
  readonly containers: () => BuildContainers
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/**
 * The Dockerfile builder over a store: the classic builder's instructions, stages, cache and progress lines. A build that
 * finds every step in the cache gives the same image id again. Errors carry the Dockerfile's name and line.
 */
export function createBuilder(ports: BuilderPorts): ImageOperations['build'] {
  const home = join(ports.dataRoot, 'build')
  const cache = new BuildCache(join(home, 'cache.json'), ports.store)
  let swept: Promise<void> | undefined
  return async (context, options, onProgress, signal) => {
    swept ??= sweep(join(home, 'contexts'), ports.containers())
    await swept
    const names = options.tags.map(tag => familiarImageName(parseImageReference(tag)))
    const directory = join(home, 'contexts', newShortId(ports.random))
    const hidden = new Set<string>()
    try {
      const tree = await readContext(context, join(directory, 'context'), { dockerfile: options.dockerfile, signal })
      const { store, clock, random } = ports
      const parts = {
        store,
        clock,
        random,
        cache,
        options,
        signal,
        hidden,
        scratch: directory,
        usedArgs: new Set<string>(),
      }
      const containers = ports.containers()
      const build: Build = { ...parts, ...tree, containers, report: onProgress }
      const id = await finish(build, await runBuild(build))
      for (const name of names) onProgress({ stream: `Successfully tagged ${name}\n` })
      return id
    } finally {
      for (const id of hidden) await ports.store.forget(id)
      await rm(directory, { recursive: true, force: true })
    }
  }
}

/** Removes what builds that a crash ended left behind: contexts, and containers of their steps. */
async function sweep(contexts: string, containers: BuildContainers): Promise<void> {
  await rm(contexts, { recursive: true, force: true })
  const left = await containers.list({ all: true, filters: { label: [`${STEP_LABEL}=step`] } })
  for (const { Id } of left) await containers.remove(Id, { force: true, volumes: true })
}

async function finish({ store, options, report }: Build, state: BuildState): Promise<string> {
  const { layers, history, createdMs } = state
  const labels = { ...state.config.Labels, ...options.labels }
  const config = Object.keys(labels).length === 0 ? state.config : { ...state.config, Labels: labels }
  const id = await store.createImage({ layers, history, createdMs, config, tags: options.tags })
  report({ aux: { ID: id } })
  report({ stream: `Successfully built ${id.slice(7, 19)}\n` })
  return id
}

async function readContext(
  archive: Readable,
  directory: string,
  { dockerfile, signal }: { readonly dockerfile: string; readonly signal: AbortSignal },
): Promise<Pick<Build, 'dockerfile' | 'context'>> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const owner = { uid: 0, gid: 0 }
  await unpackArchive(archive, directory, { limits: LAYER_LIMITS, whiteouts: false, owner, signal })
  const file = dockerfile === '' ? 'Dockerfile' : dockerfile
  const content = readFileInside(directory, file)
  if (content === undefined) {
    throw invalidInput(
      'NO_DOCKERFILE',
      `Cannot locate specified Dockerfile: ${file}: name it with -f, or add it to the context`,
    )
  }
  const rules = readFileInside(directory, `${file}.dockerignore`) ?? readFileInside(directory, '.dockerignore')
  const context: SourceTree = {
    directory,
    ignored: ignoreRules(rules?.toString() ?? ''),
    name: 'the build context',
  }
  return { dockerfile: parseDockerfile(content.toString(), file), context }
}
