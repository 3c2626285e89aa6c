import type { Clock } from '../../core/clock.ts'
import { errorCode } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { BuildOptions, ContainerOperations, ProgressMessage } from '../../docker-api/index.ts'
import type { ImageStore } from '../images/index.ts'
import type { BuildCache } from './build-cache.ts'
import type { Dockerfile } from './instructions.ts'
import type { SourceTree } from './sources.ts'
import { type BuildState, stateFrom } from './state.ts'

export type BuildContainers = Pick<
  ContainerOperations,
  'create' | 'list' | 'start' | 'wait' | 'logs' | 'kill' | 'remove'
>

/** Everything one build works with. */
export interface Build {
  readonly dockerfile: Dockerfile
  readonly context: SourceTree
  readonly options: BuildOptions
  readonly store: ImageStore
  readonly containers: BuildContainers
  readonly cache: BuildCache
  /** A directory of this build alone, removed at its end. */
  readonly scratch: string
  readonly clock: Clock
  readonly random: Random
  readonly report: (message: ProgressMessage) => void
  readonly signal: AbortSignal
  /** Images made on the way, to be forgotten at the end. */
  readonly hidden: Set<string>
  /** Build arguments that some ARG took up. */
  readonly usedArgs: Set<string>
}

/** Tells the containers of RUN steps from all others. */
export const STEP_LABEL = 'shoal.build'

/** Variables for reaching the network, which RUN steps get without an ARG, and which are not part of what is cached. */
export const PROXY_ARGS = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap(name => [
  name,
  name.toLowerCase(),
])

/** Final states of finished stages, by name and by number. */
export interface StageImages {
  readonly byName: Map<string, BuildState>
}

/** Makes the image of a state known to the store under no name, so that containers and roots can be made of it. */
export async function hiddenImage(build: Build, state: BuildState): Promise<string> {
  // What belongs to running the image has no place in making it.
  const { ExposedPorts: _ports, Volumes: _volumes, ...config } = state.config
  const id = await build.store.createImage({
    layers: state.layers,
    config: { ...config, Entrypoint: null, Cmd: null, Healthcheck: { Test: ['NONE'] } },
    history: [],
    createdMs: state.createdMs,
    tags: [],
    hidden: true,
  })
  build.hidden.add(id)
  return id
}

/** The state an image begins a stage with; pulls it if it is not here, or if asked to. */
export async function imageState(build: Build, name: string): Promise<BuildState> {
  if (name === 'scratch') return stateFrom({ id: 'scratch', layers: [], config: {}, history: [], createdMs: 0 })
  const { store, options, signal, report } = build
  const isHere = await store.images.inspect(name).then(
    () => true,
    (error: unknown) => {
      if (errorCode(error) === 'NO_SUCH_IMAGE') return false
      throw error
    },
  )
  if (!isHere || options.pull) await store.images.pull(name, { onProgress: report }, signal)
  const { id, layers, config, history = [], createdMs = 0 } = await store.describe(name)
  const state = stateFrom({ id, layers, config, history, createdMs })
  // From here on the base cannot be removed under the build.
  await hiddenImage(build, state)
  return state
}
