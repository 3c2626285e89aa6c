import { hostPlatform } from '../images/index.ts'
import type { Build } from './build.ts'
import type { Instruction } from './instructions.ts'
import type { BuildState } from './state.ts'
import { expandWord, splitWords } from './words.ts'

/** Arguments every build has, so that files written for several platforms work: all of them name this host's. */
function platformArgs(): readonly (readonly [string, string])[] {
  const { os, architecture } = hostPlatform()
  return ['BUILD', 'TARGET'].flatMap(prefix => [
    [`${prefix}PLATFORM`, `${os}/${architecture}`],
    [`${prefix}OS`, os],
    [`${prefix}ARCH`, architecture],
  ])
}

/** Values of the ARG instructions before the first FROM. */
export function globalArgs({ dockerfile, options, usedArgs }: Build): ReadonlyMap<string, string> {
  const values = new Map<string, string>(platformArgs())
  for (const { rest } of dockerfile.globals) {
    for (const word of splitWords(rest, dockerfile.escape)) {
      const { name, fallback } = splitArg(word)
      const given = options.buildArgs[name]
      if (given !== undefined) usedArgs.add(name)
      const rules = { escape: dockerfile.escape, lookup: (other: string) => values.get(other) }
      const value = given ?? (fallback === undefined ? undefined : expandWord(fallback, rules))
      if (value !== undefined) values.set(name, value)
    }
  }
  return values
}

function splitArg(word: string): { readonly name: string; readonly fallback: string | undefined } {
  const at = word.indexOf('=')
  return at < 0 ? { name: word, fallback: undefined } : { name: word.slice(0, at), fallback: word.slice(at + 1) }
}

/** ARG within a stage: the value given on the command line, the default, or that of the ARG before the first FROM. */
export function declareArgs(build: Build, step: Instruction, state: BuildState): BuildState {
  const { escape } = build.dockerfile
  const globals = globalArgs(build)
  const args = { ...state.args }
  for (const word of splitWords(step.rest, escape)) {
    const { name, fallback } = splitArg(word)
    const given = build.options.buildArgs[name]
    if (given !== undefined) build.usedArgs.add(name)
    const value =
      given ?? (fallback === undefined ? globals.get(name) : expandWord(fallback, { escape, lookup: it => args[it] }))
    if (value !== undefined) args[name] = value
  }
  return { ...state, args }
}
