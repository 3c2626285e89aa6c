import { errorCode, invalidInput } from '../../../core/errors.ts'
import { holdDirectory, splitInside } from '../../linux/files/fd-path.ts'
import type { Build } from '../build.ts'
import { cachedStep } from '../cache/cached-step.ts'
import { withoutCommand } from '../created-by.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import type { BuildState } from '../state.ts'
import { workdirOf } from './config-steps.ts'
import { changeRoot } from './layer-work.ts'
import { makePath } from './make-path.ts'

/** WORKDIR: makes the directory if it is missing, and starts the following steps and the container in it. */
export async function workdirStep(
  build: Build,
  step: InstructionOf<'WORKDIR'>,
  state: BuildState,
): Promise<BuildState> {
  const path = workdirOf(step, state, build.dockerfile.escape)
  return cachedStep(build, state, {
    createdBy: withoutCommand(state, `WORKDIR ${path}`),
    config: { WorkingDir: path },
    make: () => changeRoot(build, state, root => makeDirectory(root, path)),
  })
}

function makeDirectory(root: string, path: string): void {
  using held = holdDirectory(root)
  try {
    makePath(held, splitInside(path))
  } catch (error) {
    if (errorCode(error) !== 'NOT_A_DIRECTORY') throw error
    throw invalidInput('NOT_A_DIRECTORY', `Cannot mkdir: ${path} is not a directory`)
  }
}
