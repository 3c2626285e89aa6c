import { holdDirectory, makeInside, splitInside } from '../linux/fd-path.ts'
import { type Build, hiddenImage } from './build.ts'
import { workdirOf } from './config-steps.ts'
import type { Instruction } from './instructions.ts'
import { changeRoot, layerStep } from './layer-step.ts'
import type { BuildState } from './state.ts'

/** WORKDIR: makes the directory if it is missing, and starts the following steps and the container in it. */
export async function workdirStep(build: Build, step: Instruction, state: BuildState): Promise<BuildState> {
  const { file, escape } = build.dockerfile
  const path = workdirOf(step, state, { file, escape })
  const next = await layerStep(build, state, {
    text: step.text,
    inputs: path,
    make: async () =>
      changeRoot(build, await hiddenImage(build, state), root => {
        using held = holdDirectory(root)
        makeInside(held, splitInside(path))[Symbol.dispose]()
      }),
  })
  return { ...next, config: { ...next.config, WorkingDir: path } }
}
