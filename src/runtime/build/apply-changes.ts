import { invalidInput } from '../../core/errors.ts'
import type { ContainerConfig } from '../../docker-api/index.ts'
import { parseDockerfile } from './dockerfile/dockerfile.ts'
import { SCRATCH } from './state.ts'
import { configChange, workdirOf } from './steps/config-steps.ts'

/** Instructions that an import or a commit may apply. */
const ALLOWED = [
  'CMD',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'HEALTHCHECK',
  'LABEL',
  'ONBUILD',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
]

/**
 * Applies Dockerfile instructions to a config, as `docker import --change` and `docker commit --change` do.
 * Throws 400 for an instruction that does more than that, or that cannot be read.
 */
export function applyChanges(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  if (changes.length === 0) return config
  const { stages, escape } = parseDockerfile(['FROM scratch', ...changes].join('\n'))
  let state = { ...SCRATCH, config }
  for (const step of stages.flatMap(({ steps }) => steps)) {
    if (!ALLOWED.includes(step.keyword)) {
      throw invalidInput('BAD_CHANGE', `${step.keyword.toLowerCase()} is not a valid change command`)
    }
    const change =
      step.keyword === 'WORKDIR'
        ? { WorkingDir: workdirOf(step, state, escape) }
        : (configChange(step, state, escape)?.config ?? {})
    state = { ...state, config: { ...state.config, ...change }, ownCommand: state.ownCommand || step.keyword === 'CMD' }
  }
  if (stages.length > 1) throw invalidInput('BAD_CHANGE', 'from is not a valid change command')
  return state.config
}
