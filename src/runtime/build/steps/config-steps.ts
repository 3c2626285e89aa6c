import { posix } from 'node:path'
import { invalidInput } from '../../../core/errors.ts'
import type { ContainerConfig, HealthConfig } from '../../../docker-api/index.ts'
import { parseSignal } from '../../linux/process/signals.ts'
import { healthText, quotedList } from '../created-by.ts'
import { expandWord, type WordRules } from '../dockerfile/expand.ts'
import type { Instruction, InstructionOf, Keyword } from '../dockerfile/instructions.ts'
import type { Pair } from '../dockerfile/pairs.ts'
import { type BuildState, DEFAULT_SHELL, environment, shellOf, withEnvironment } from '../state.ts'
import { expandedPorts, exposedPorts } from './ports.ts'

/** What a step that changes only the config does to it. */
export interface ConfigChange {
  readonly config: ContainerConfig
  /** How the history tells of it. */
  readonly text: string
  readonly author?: string
}

/** Variables are looked up in ENV first, then in ARG. */
export function wordRules(state: BuildState, escape: string): WordRules {
  const variables = environment(state.config)
  return { escape, lookup: name => variables.get(name) ?? state.args[name] }
}

type ConfigStep<K extends Keyword> = (step: InstructionOf<K>, state: BuildState, rules: WordRules) => ConfigChange

/** Instructions that change nothing but the config. */
type ConfigKeyword = Exclude<Keyword, 'FROM' | 'ARG' | 'RUN' | 'COPY' | 'ADD' | 'WORKDIR'>

const STEPS: { readonly [K in ConfigKeyword]: ConfigStep<K> } = {
  ENV: ({ pairs }, { config }, rules) => {
    const set = expandPairs(pairs, rules)
    return { config: { Env: withEnvironment(config, set) }, text: ` ENV ${pairText(set)}` }
  },
  LABEL: ({ pairs, isLiteral }, { config }, rules) => {
    const set = isLiteral === true ? new Map(pairs.map(({ name, value }) => [name, value])) : expandPairs(pairs, rules)
    return { config: { Labels: { ...config.Labels, ...Object.fromEntries(set) } }, text: ` LABEL ${pairText(set)}` }
  },
  MAINTAINER: ({ rest }) => ({ config: {}, author: rest, text: ` MAINTAINER ${rest}` }),
  USER: ({ rest }, _state, rules) => {
    const User = expandWord(rest, rules)
    return { config: { User }, text: ` USER ${User}` }
  },
  STOPSIGNAL: ({ rest }, _state, rules) => {
    const StopSignal = expandWord(rest, rules)
    parseSignal(StopSignal)
    return { config: { StopSignal }, text: ` STOPSIGNAL ${StopSignal}` }
  },
  EXPOSE: ({ words }, { config }, rules) => {
    const ports = expandedPorts(words, rules)
    return {
      config: { ExposedPorts: { ...config.ExposedPorts, ...exposedPorts(ports) } },
      text: ` EXPOSE ${[...ports].sort().join(' ')}`,
    }
  },
  VOLUME: ({ words }, { config }, rules) => {
    const paths = words.map(word => expandWord(word, rules))
    if (paths.some(path => path.trim() === '')) {
      throw invalidInput('BAD_VOLUME', 'VOLUME specified can not be an empty string')
    }
    const volumes = Object.fromEntries(paths.map(path => [path, {}]))
    return { config: { Volumes: { ...config.Volumes, ...volumes } }, text: ` VOLUME [${paths.join(' ')}]` }
  },
  // A command that the base image came with was meant for its own entrypoint.
  ENTRYPOINT: (step, state) => {
    const command = commandOf(step, state)
    return {
      config: { Entrypoint: command, ...(state.ownCommand ? {} : { Cmd: null }) },
      text: ` ENTRYPOINT ${quotedList(command)}`,
    }
  },
  CMD: (step, state) => {
    const command = commandOf(step, state)
    return { config: { Cmd: command }, text: ` CMD ${quotedList(command)}` }
  },
  SHELL: ({ words }) => ({ config: { Shell: words }, text: ` SHELL [${words.join(' ')}]` }),
  HEALTHCHECK: (step, state) => {
    const Healthcheck = readHealth(step, state)
    return { config: { Healthcheck }, text: ` HEALTHCHECK ${healthText(step, Healthcheck.Test ?? [])}` }
  },
  ONBUILD: ({ rest }, { config }) => ({
    config: { OnBuild: [...(config.OnBuild ?? []), rest] },
    text: ` ONBUILD ${rest}`,
  }),
}

/** What an instruction does to the config; undefined for one that does more than that. */
export function configChange(step: Instruction, state: BuildState, escape: string): ConfigChange | undefined {
  if (!(step.keyword in STEPS)) return undefined
  const run = STEPS[step.keyword as ConfigKeyword] as ConfigStep<Keyword>
  return run(step, state, wordRules(state, escape))
}

/** A command in JSON form as it is, in shell form behind the shell. */
export function commandOf(
  { json, rest }: Pick<InstructionOf<'RUN'>, 'json' | 'rest'>,
  state: BuildState,
): readonly string[] {
  return json ?? [...shellOf(state), ...(rest === '' ? [] : [rest])]
}

/** The directory a WORKDIR instruction means. */
export function workdirOf({ rest }: InstructionOf<'WORKDIR'>, state: BuildState, escape: string): string {
  const { WorkingDir = '' } = state.config
  return posix.resolve('/', WorkingDir, expandWord(rest, wordRules(state, escape)))
}

function expandPairs(pairs: readonly Pair[], rules: WordRules): ReadonlyMap<string, string> {
  return new Map(pairs.map(({ name, value }) => [expandWord(name, rules), expandWord(value, rules)]))
}

function pairText(pairs: ReadonlyMap<string, string>): string {
  return [...pairs].map(([name, value]) => `${name}=${value}`).join(' ')
}

function readHealth({ check }: InstructionOf<'HEALTHCHECK'>, state: BuildState): HealthConfig {
  const { command, interval, timeout, startPeriod, startInterval, retries } = check
  const settings = {
    Interval: interval,
    Timeout: timeout,
    StartPeriod: startPeriod,
    StartInterval: startInterval,
    Retries: retries,
  }
  const set = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== 0))
  if (command === 'none') return { Test: ['NONE'] }
  if ('json' in command) return { Test: ['CMD', ...command.json], ...set }
  const isDefaultShell = shellOf(state).join('\0') === DEFAULT_SHELL.join('\0')
  // What runs a check in shell form knows only the default shell.
  const test = isDefaultShell ? ['CMD-SHELL', command.shell] : ['CMD', ...shellOf(state), command.shell]
  return { Test: test, ...set }
}
