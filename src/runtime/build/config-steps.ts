import { posix } from 'node:path'
import { parseDuration } from '../../core/duration.ts'
import { errorMessage } from '../../core/errors.ts'
import type { ContainerConfig, HealthConfig } from '../../docker-api/index.ts'
import { dockerfileError, type Instruction, type Keyword } from './instructions.ts'
import { type BuildState, DEFAULT_SHELL, environment, withEnvironment } from './state.ts'
import { expandWord, jsonForm, splitWords, type WordRules } from './words.ts'

/** What reading an instruction needs to know. */
export interface StepContext {
  readonly file: string
  readonly escape: string
}

/** Variables are looked up in ENV first, then in ARG. */
export function wordRules(state: BuildState, { escape }: StepContext): WordRules {
  const variables = environment(state.config)
  return { escape, lookup: name => variables.get(name) ?? state.args[name] }
}

/** Words of an instruction, JSON form included, with variables substituted. */
function expandedWords(step: Instruction, state: BuildState, context: StepContext): readonly string[] {
  const rules = wordRules(state, context)
  const json = jsonForm(step.rest)
  return (json ?? splitWords(step.rest, context.escape)).map(word => expandWord(word, rules))
}

type ConfigStep = (step: Instruction, state: BuildState, context: StepContext) => ContainerConfig

/** Instructions that change nothing but the config. */
export const CONFIG_STEPS: Readonly<Partial<Record<Keyword, ConfigStep>>> = {
  ENV: (step, state, context) => ({ Env: withEnvironment(state.config, readPairs(step, state, context)) }),
  LABEL: (step, state, context) => ({
    Labels: { ...state.config.Labels, ...Object.fromEntries(readPairs(step, state, context)) },
  }),
  MAINTAINER: (step, state) => ({ Labels: { ...state.config.Labels, maintainer: step.rest } }),
  USER: (step, state, context) => ({ User: oneWord(step, state, context) }),
  STOPSIGNAL: (step, state, context) => ({ StopSignal: oneWord(step, state, context) }),
  EXPOSE: (step, state, context) => {
    const ports = expandedWords(step, state, context).map(port => readPort(port, step, context))
    return { ExposedPorts: { ...state.config.ExposedPorts, ...Object.fromEntries(ports.map(port => [port, {}])) } }
  },
  VOLUME: (step, state, context) => {
    const paths = expandedWords(step, state, context)
    return { Volumes: { ...state.config.Volumes, ...Object.fromEntries(paths.map(path => [path, {}])) } }
  },
  // A command that the base image came with was meant for its own entrypoint.
  ENTRYPOINT: (step, state) => ({
    Entrypoint: commandOf(step.rest, state),
    ...(state.ownCommand ? {} : { Cmd: null }),
  }),
  CMD: (step, state) => ({ Cmd: commandOf(step.rest, state) }),
  SHELL: (step, _state, { file }) => {
    const Shell = jsonForm(step.rest)
    if (Shell === undefined) throw dockerfileError(file, step.line, 'SHELL requires the arguments to be in JSON form')
    return { Shell }
  },
  HEALTHCHECK: (step, state, context) => ({ Healthcheck: readHealthcheck(step, state, context) }),
}

/** A command in JSON form as it is, in shell form behind the shell. */
export function commandOf(text: string, state: BuildState): readonly string[] {
  return jsonForm(text) ?? [...(state.config.Shell ?? DEFAULT_SHELL), text]
}

/** The directory a WORKDIR instruction means. */
export function workdirOf(step: Instruction, state: BuildState, context: StepContext): string {
  const path = expandWord(step.rest.trim(), wordRules(state, context))
  return posix.resolve('/', state.config.WorkingDir ?? '/', path)
}

function oneWord(step: Instruction, state: BuildState, context: StepContext): string {
  const words = expandedWords(step, state, context)
  if (words.length !== 1)
    throw dockerfileError(context.file, step.line, `${step.keyword} requires exactly one argument`)
  return words[0] ?? ''
}

/** `a=b c="d e"`, or the old form `a everything else`. */
function readPairs(step: Instruction, state: BuildState, context: StepContext): ReadonlyMap<string, string> {
  const rules = wordRules(state, context)
  const words = splitWords(step.rest, context.escape)
  const [first = ''] = words
  if (!first.includes('=')) {
    const value = step.rest.slice(first.length).trim()
    if (value === '') throw dockerfileError(context.file, step.line, `${step.keyword} must have two arguments`)
    return new Map([[expandWord(first, rules), expandWord(value, rules)]])
  }
  return new Map(
    words.map(word => {
      const at = word.indexOf('=')
      if (at <= 0) {
        const why = `can't find = in "${word}": write ${step.keyword} name=value, with quotes around spaces`
        throw dockerfileError(context.file, step.line, why)
      }
      return [expandWord(word.slice(0, at), rules), expandWord(word.slice(at + 1), rules)]
    }),
  )
}

function readPort(text: string, { line }: Instruction, { file }: StepContext): string {
  const match = /^(\d{1,5}(?:-\d{1,5})?)(?:\/(tcp|udp|sctp))?$/i.exec(text)
  if (match === null)
    throw dockerfileError(file, line, `invalid port "${text}": write a number, and /udp if it is not tcp`)
  return `${match[1]}/${match[2]?.toLowerCase() ?? 'tcp'}`
}

function readHealthcheck(step: Instruction, state: BuildState, { file }: StepContext): HealthConfig {
  const [, kind = '', command = ''] = /^(\S+)\s*(.*)$/s.exec(step.rest) ?? []
  if (kind.toUpperCase() === 'NONE') return { Test: ['NONE'] }
  if (kind.toUpperCase() !== 'CMD' || command === '') {
    throw dockerfileError(file, step.line, 'HEALTHCHECK needs CMD and a command, or NONE')
  }
  const json = jsonForm(command)
  const nanoseconds = (flag: string): number | undefined => {
    const text = step.flags[flag]
    try {
      return text === undefined ? undefined : Math.round(parseDuration(text) * 1e6)
    } catch (error) {
      throw dockerfileError(file, step.line, `--${flag}: ${errorMessage(error)}`)
    }
  }
  const settings = {
    Interval: nanoseconds('interval'),
    Timeout: nanoseconds('timeout'),
    StartPeriod: nanoseconds('start-period'),
    StartInterval: nanoseconds('start-interval'),
    Retries: step.flags['retries'] === undefined ? undefined : Number(step.flags['retries']),
  }
  const set = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  const shell = state.config.Shell ?? DEFAULT_SHELL
  const test =
    json === undefined
      ? shell === DEFAULT_SHELL
        ? ['CMD-SHELL', command]
        : ['CMD', ...shell, command]
      : ['CMD', ...json]
  return { Test: test, ...set }
}
