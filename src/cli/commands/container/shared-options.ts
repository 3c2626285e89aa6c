import type { OptionDefinition } from '../../command.ts'
import { flag, flags } from '../../engine/options.ts'

export const DETACH_KEYS = flag('--detach-keys <keys>', 'keys that leave a container alone (default: ctrl-p,ctrl-q)')
export const SIG_PROXY = flag('--no-sig-proxy', 'end at a signal instead of passing it on')

/** Of `attach`, to a container or to a service's. */
export const ATTACH_OPTIONS: readonly OptionDefinition[] = [
  flag('--no-stdin', 'do not give it our input'),
  DETACH_KEYS,
  SIG_PROXY,
]

/** Of `commit`, of a container or of a service's. */
export const COMMIT_OPTIONS: readonly OptionDefinition[] = [
  flag('-a, --author <name>', 'author'),
  flag('-m, --message <text>', 'what was done'),
  flags('-c, --change <instruction>', 'apply a Dockerfile instruction'),
  flag('-p, --pause', 'pause it meanwhile (default)'),
  flag('--no-pause', 'do not pause it meanwhile'),
]
