import { errorCode, errorMessage, ShoalError } from '../../core/errors.ts'
import { hostPlatform } from '../images/index.ts'
import { type Build, imageState, PROXY_ARGS, type StageImages } from './build.ts'
import { declareArgs, globalArgs } from './build-args.ts'
import { CONFIG_STEPS, type StepContext } from './config-steps.ts'
import { copyStep } from './copy-step.ts'
import { dockerfileError, type Instruction, type Stage, stagesUpTo } from './instructions.ts'
import { layerStep } from './layer-step.ts'
import { runStep } from './run-step.ts'
import { type BuildState, withConfig } from './state.ts'
import { expandWord, splitWords } from './words.ts'
import { workdirStep } from './workdir-step.ts'

/** Runs the stages and resolves with the last one's final state. */
export async function runBuild(build: Build): Promise<BuildState> {
  const stages = stagesUpTo(build.dockerfile, build.options.target)
  const total = stages.reduce((sum, stage) => sum + 1 + stage.steps.length, 0)
  const done: StageImages = { byName: new Map() }
  let number = 0
  let last: BuildState | undefined
  for (const stage of stages) {
    const announce = (step: Instruction): void => build.report({ stream: `Step ${++number}/${total} : ${step.text}\n` })
    announce(stage.from)
    let state = await located(build, stage.from, () => beginStage(build, stage, done))
    build.report({ stream: ` ---> ${state.key.slice(0, 12)}\n` })
    for (const step of stage.steps) {
      build.signal.throwIfAborted()
      announce(step)
      const before = state
      state = await located(build, step, () => runInstruction(build, step, { state: before, done }))
      build.report({ stream: ` ---> ${state.key.slice(0, 12)}\n` })
    }
    done.byName.set(`${stage.index}`, state)
    if (stage.name !== undefined) done.byName.set(stage.name, state)
    last = state
  }
  warnUnused(build)
  if (last === undefined) throw dockerfileError(build.dockerfile.file, 1, 'there is nothing to build')
  return last
}

function beginStage(build: Build, stage: Stage, done: StageImages): Promise<BuildState> {
  const { dockerfile } = build
  const globals = globalArgs(build)
  const rules = { escape: dockerfile.escape, lookup: (name: string) => globals.get(name) }
  const [word = ''] = splitWords(stage.from.rest, dockerfile.escape)
  const name = expandWord(word, rules)
  checkPlatform(dockerfile.file, stage, expandWord(stage.from.flags['platform'] ?? '', rules))
  if (name === '') throw dockerfileError(dockerfile.file, stage.from.line, `base name (${word}) should not be blank`)
  const earlier = done.byName.get(name.toLowerCase())
  if (earlier !== undefined && !/^\d+$/.test(name)) return Promise.resolve({ ...earlier, args: {}, ownCommand: false })
  return imageState(build, name)
}

function checkPlatform(file: string, { from }: Stage, wanted: string): void {
  const { os, architecture } = hostPlatform()
  if (['', os, `${os}/${architecture}`].includes(wanted)) return
  throw dockerfileError(
    file,
    from.line,
    `--platform=${wanted} cannot be built here: this host is ${os}/${architecture}`,
  )
}

function runInstruction(
  build: Build,
  step: Instruction,
  { state, done }: { readonly state: BuildState; readonly done: StageImages },
): Promise<BuildState> | BuildState {
  const context: StepContext = { file: build.dockerfile.file, escape: build.dockerfile.escape }
  const configStep = CONFIG_STEPS[step.keyword]
  if (configStep !== undefined) return withConfig(state, configStep(step, state, context), step.text)
  switch (step.keyword) {
    case 'ARG':
      return declareArgs(build, step, state)
    case 'RUN':
      return layerStep(build, state, runStep(build, step, state))
    case 'WORKDIR':
      return workdirStep(build, step, state)
    default:
      return copyStep(build, step, { state, done })
  }
}

/** Adds file and line to an error that does not say them yet. */
async function located(
  { dockerfile, signal }: Build,
  step: Instruction,
  work: () => Promise<BuildState> | BuildState,
): Promise<BuildState> {
  try {
    return await work()
  } catch (error) {
    if (signal.aborted || errorCode(error) === 'DOCKERFILE') throw error
    const where = `${dockerfile.file}:${step.line}: ${errorMessage(error)}`
    if (!(error instanceof ShoalError)) throw new ShoalError('BUILD_FAILED', 500, where, { cause: error })
    throw new ShoalError(error.code, error.status, where, { cause: error, details: error.details })
  }
}

function warnUnused({ options, usedArgs, report }: Build): void {
  const unused = Object.keys(options.buildArgs).filter(name => !usedArgs.has(name) && !PROXY_ARGS.includes(name))
  if (unused.length > 0)
    report({ stream: `[Warning] One or more build-args [${unused.join(' ')}] were not consumed\n` })
}
