import { errorCode } from '../../core/errors.ts'
import { parseImageReference } from '../../core/image-reference.ts'
import type { RegistryAuth } from '../../docker-api/index.ts'
import type { Build } from './build.ts'
import { type BuildState, SCRATCH } from './state.ts'

/** Makes the image of a state known to the store under no name, so that containers and roots can be made of it. */
export function hiddenImage({ hidden }: Build, state: BuildState): Promise<string> {
  // What belongs to running the image has no place in making it.
  const { ExposedPorts: _ports, OnBuild: _triggers, ...config } = state.config
  return hidden.hold({
    layers: state.layers,
    config: { ...config, Entrypoint: null, Cmd: null, Healthcheck: { Test: ['NONE'] } },
    history: [],
    createdMs: 0,
    tags: [],
  })
}

/** The state an image begins a stage with; pulls it if it is not here, or if asked to. */
export async function imageState(build: Build, name: string): Promise<BuildState> {
  if (name === 'scratch') return SCRATCH
  const { store, options, signal, report } = build
  const isHere = await store.images.inspect(name).then(
    () => true,
    (error: unknown) => {
      if (errorCode(error) === 'NO_SUCH_IMAGE') return false
      throw error
    },
  )
  if (!isHere || options.pull) {
    const auth = authFor(name, options.registryAuths ?? {})
    await store.images.pull(name, { onProgress: report, ...(auth === undefined ? {} : { auth }) }, signal)
  }
  const { id, layers, config, history = [], createdMs = 0 } = await store.describe(name)
  const state: BuildState = { ...SCRATCH, layers, config, history, createdMs, baseId: id }
  // From here on the base cannot be removed under the build.
  await hiddenImage(build, state)
  return state
}

const HUB_NAMES = ['docker.io', 'index.docker.io', 'registry-1.docker.io']

/** The credentials for an image's registry, by host or by the old URL form that Docker Hub has in configuration files. */
export function authFor(name: string, auths: Readonly<Record<string, RegistryAuth>>): RegistryAuth | undefined {
  const { registry } = parseImageReference(name)
  const wanted = HUB_NAMES.includes(registry) ? HUB_NAMES : [registry]
  const found = Object.entries(auths).find(([address]) => {
    const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
    return wanted.includes(host)
  })
  return found?.[1]
}
