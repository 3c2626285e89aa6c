import { hashOf } from '../../core/digest.ts'
import type { ContainerConfig } from '../../docker-api/index.ts'
import type { HistoryEntry, LayerRef } from '../images/index.ts'

/** What a stage has come to after a step: an image in the making. */
export interface BuildState {
  readonly layers: readonly LayerRef[]
  readonly config: ContainerConfig
  readonly history: readonly HistoryEntry[]
  /** ARG values declared in this stage. */
  readonly args: Readonly<Record<string, string>>
  /** This stage has its own CMD; the base image's goes with its entrypoint. */
  readonly ownCommand: boolean
  /** Says what led here: the base and every step since. Equal keys, equal results. */
  readonly key: string
  /** When the latest layer was made; a build that finds everything in the cache gives the same image again. */
  readonly createdMs: number
}

export const DEFAULT_SHELL = ['/bin/sh', '-c']
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The start of a stage on an image, or on nothing (`scratch`). */
export function stateFrom(
  base: Pick<BuildState, 'layers' | 'config' | 'history' | 'createdMs'> & { readonly id: string },
): BuildState {
  const { id, layers, history, createdMs } = base
  const hasPath = (base.config.Env ?? []).some(entry => entry.startsWith('PATH='))
  const config = hasPath ? base.config : { ...base.config, Env: [DEFAULT_PATH, ...(base.config.Env ?? [])] }
  return { layers, history, createdMs, config, args: {}, ownCommand: false, key: hashOf(['from', id]) }
}

/** The state after a step that changes only the config. */
export function withConfig(state: BuildState, change: ContainerConfig, text: string): BuildState {
  return {
    ...state,
    config: { ...state.config, ...change },
    ownCommand: state.ownCommand || ('Cmd' in change && !('Entrypoint' in change)),
    history: [...state.history, { created_by: text, empty_layer: true }],
    key: hashOf([state.key, text, change]),
  }
}

/** The state after a step that made a layer, or would have but changed nothing. */
export function withLayer(
  state: BuildState,
  { layer, text, key, madeMs }: { layer: LayerRef | undefined; text: string; key: string; madeMs: number },
): BuildState {
  const entry: HistoryEntry = { created_by: text, ...(layer === undefined ? { empty_layer: true } : {}) }
  return {
    ...state,
    layers: layer === undefined ? state.layers : [...state.layers, layer],
    history: [...state.history, entry],
    createdMs: Math.max(state.createdMs, madeMs),
    key,
  }
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
