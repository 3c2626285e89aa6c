import type { ContainerConfig } from '../../docker-api/index.ts'
import { type HistoryEntry, imageIdOf, type LayerRef } from '../images/index.ts'

/** What a stage has come to after a step: an image in the making. */
export interface BuildState {
  readonly layers: readonly LayerRef[]
  readonly config: ContainerConfig
  readonly history: readonly HistoryEntry[]
  readonly author?: string
  /** When the latest step was done; a build that finds everything in the cache gives the same image again. */
  readonly createdMs: number
  /** The image it stands for as it is, if that was there before; the steps behind it make others. */
  readonly baseId?: string
  /** Values of the ARGs declared in this stage. */
  readonly args: Readonly<Record<string, string>>
  /** This stage has its own CMD; the base image's goes with its entrypoint. */
  readonly ownCommand: boolean
}

export const DEFAULT_SHELL = ['/bin/sh', '-c']
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The start of a stage on nothing. */
export const SCRATCH: BuildState = {
  layers: [],
  config: {},
  history: [],
  createdMs: 0,
  args: {},
  ownCommand: false,
}

export function shellOf({ config }: BuildState): readonly string[] {
  return config.Shell ?? DEFAULT_SHELL
}

/** What Docker shows behind each step: the image a build would give if it ended here. Empty for scratch. */
export function stateId(state: BuildState): string {
  if (state.baseId !== undefined) return state.baseId
  return state.history.length === 0 ? '' : imageIdOf({ ...state, tags: [] })
}

/** What is done at a step: the config it leaves, and the layer if it changed files. */
export interface StepResult {
  readonly createdBy: string
  readonly madeMs: number
  readonly config?: ContainerConfig
  readonly layer?: LayerRef | undefined
}

/** The state after a step. */
export function afterStep(state: BuildState, { createdBy, madeMs, config, layer }: StepResult): BuildState {
  const { baseId: _, ...rest } = state
  const entry: HistoryEntry = {
    created: new Date(madeMs).toISOString(),
    created_by: createdBy,
    ...(layer === undefined ? { empty_layer: true } : {}),
    ...(state.author === undefined ? {} : { author: state.author }),
  }
  return {
    ...rest,
    config: withPath({ ...state.config, ...config }),
    layers: layer === undefined ? state.layers : [...state.layers, layer],
    history: [...state.history, entry],
    createdMs: Math.max(state.createdMs, madeMs),
  }
}

/** Programs are found in an image that does not say where they are. */
function withPath(config: ContainerConfig): ContainerConfig {
  const variables = config.Env ?? []
  if (variables.some(entry => entry.startsWith('PATH='))) return config
  return { ...config, Env: [...variables, DEFAULT_PATH] }
}

/** Environment variables by name, the last one winning. */
export function environment(config: ContainerConfig): ReadonlyMap<string, string> {
  return new Map(
    (config.Env ?? []).map(entry => {
      const at = entry.indexOf('=')
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
    }),
  )
}

/** The environment with some variables set, each in the place it had. */
export function withEnvironment(config: ContainerConfig, set: ReadonlyMap<string, string>): readonly string[] {
  return [...new Map([...environment(config), ...set])].map(([name, value]) => `${name}=${value}`)
}
