import { hostPlatform } from '../../images/index.ts'
import type { Build } from '../build.ts'
import { expandWord, type WordRules } from '../dockerfile/expand.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import { type BuildState, environment } from '../state.ts'
import { wordRules } from './config-steps.ts'

/** Variables for reaching the network, which RUN steps get without an ARG, and which are not part of what is cached. */
export const PROXY_ARGS = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap(name => [
  name,
  name.toLowerCase(),
])

/** Understood by the builder itself, whether the file declares it or not. */
export const EPOCH_ARG = 'SOURCE_DATE_EPOCH'

/** 1980: archives of the zip format know no earlier time, and programs that write them fail. */
const EPOCH_MIN_SECONDS = 315_532_800

/** Arguments every build has, so that files written for several platforms work: all of them name this host's. */
function platformArgs(): readonly (readonly [string, string])[] {
  const { os, architecture } = hostPlatform()
  return ['BUILD', 'TARGET'].flatMap((prefix): (readonly [string, string])[] => [
    [`${prefix}PLATFORM`, `${os}/${architecture}`],
    [`${prefix}OS`, os],
    [`${prefix}ARCH`, architecture],
    [`${prefix}VARIANT`, ''],
  ])
}

/** Values of the ARG instructions before the first FROM. */
export function globalArgs({
  dockerfile,
  options,
  usedArgs,
}: Pick<Build, 'dockerfile' | 'options' | 'usedArgs'>): ReadonlyMap<string, string> {
  const values = new Map<string, string>(platformArgs())
  const rules: WordRules = { escape: dockerfile.escape, lookup: other => values.get(other) }
  for (const { name, fallback } of dockerfile.globals.flatMap(({ args }) => args)) {
    const given = options.buildArgs[name]
    if (given !== undefined) usedArgs.add(name)
    const value = given ?? (fallback === undefined ? undefined : expandWord(fallback, rules))
    if (value !== undefined) values.set(name, value)
  }
  return values
}

/** ARG within a stage: the value given on the command line, the default, or that of the ARG before the first FROM. */
export function declareArgs(
  build: Build,
  step: InstructionOf<'ARG'>,
  state: BuildState,
): { readonly args: BuildState['args']; readonly text: string } {
  const globals = build.globals
  const args = { ...state.args }
  const texts = step.args.map(({ name, fallback }) => {
    const rules = wordRules({ ...state, args }, build.dockerfile.escape)
    const given = build.options.buildArgs[name]
    if (given !== undefined) build.usedArgs.add(name)
    const value = fallback === undefined ? undefined : expandWord(fallback, rules)
    const chosen = given ?? value ?? globals.get(name)
    if (chosen === undefined) delete args[name]
    else args[name] = chosen
    return value === undefined ? name : `${name}=${value}`
  })
  return { args, text: ` ARG ${texts.join(' ')}` }
}

/**
 * What a RUN step sees of arguments, as environment variables: those of ENV win. It also learns which time its files will
 * get: what notes times of files down (as Python does for what it compiled) must note that one.
 */
export function runVariables(
  { options, times }: Build,
  state: BuildState,
): { readonly env: readonly string[]; readonly cached: readonly string[] | undefined } {
  const variables = environment(state.config)
  const visible = Object.entries(state.args).filter(([name]) => !variables.has(name))
  const proxies = Object.entries(options.buildArgs).filter(
    ([name]) => PROXY_ARGS.includes(name) && !(name in state.args) && !variables.has(name),
  )
  const texts = (entries: readonly (readonly [string, string])[]): string[] =>
    entries.map(([name, value]) => `${name}=${value}`).sort()
  const given = texts([...visible, ...proxies])
  const { mtimeMaxSeconds } = times.files
  const isTooEarly = times.epochSeconds === undefined && mtimeMaxSeconds < EPOCH_MIN_SECONDS
  const isSaid = EPOCH_ARG in state.args || variables.has(EPOCH_ARG) || isTooEarly
  return {
    env: isSaid ? given : [...given, `${EPOCH_ARG}=${mtimeMaxSeconds}`],
    cached: given.length === 0 ? undefined : texts(visible),
  }
}
