import { errorMessage, invalidInput } from '../../../core/errors.ts'

/** A condition on an argument of a call. */
export interface SeccompArgument {
  readonly index: number
  readonly value: number
  readonly valueTwo?: number
  readonly op: string
}

/** When a rule counts: architectures by their Go names, capabilities, the oldest kernel. */
export interface SeccompCondition {
  readonly arches?: readonly string[] | null
  readonly caps?: readonly string[] | null
  readonly minKernel?: string
}

export interface SeccompRule {
  readonly name?: string
  readonly names?: readonly string[] | null
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly SeccompArgument[] | null
  readonly includes?: SeccompCondition
  readonly excludes?: SeccompCondition
}

/** A seccomp profile as Docker, Podman and containerd read it: an OCI filter with conditions. */
export interface SeccompProfile {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null }[]
  readonly architectures?: readonly string[]
  readonly flags?: readonly string[]
  readonly syscalls?: readonly SeccompRule[] | null
}

const ACTIONS = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
]
const OPERATORS = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'].map(name => `SCMP_CMP_${name}`)
const FLAGS = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW']
const RULES_MAX = 5_000

/** Reads a profile's JSON. Throws 400 BAD_SECCOMP_PROFILE saying what is wrong with it. */
export function parseSeccompProfile(text: string): SeccompProfile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    return refuse(`it is no JSON: ${errorMessage(cause)}`)
  }
  if (!isObject(value)) return refuse('it is no JSON object')
  const profile = value as Partial<SeccompProfile>
  if (!ACTIONS.includes(profile.defaultAction ?? ''))
    return refuse(`defaultAction must be one of ${ACTIONS.join(', ')}`)
  if ((profile.architectures ?? []).length > 0 && (profile.archMap ?? []).length > 0) {
    return refuse("'architectures' and 'archMap' were specified in the seccomp profile, use either one")
  }
  const known = listOf(profile.flags, 'flags').every(flag => FLAGS.some(name => name === flag))
  if (!known) return refuse(`flags must be of ${FLAGS.join(', ')}`)
  const rules = listOf(profile.syscalls, 'syscalls')
  if (rules.length > RULES_MAX) return refuse(`it has ${rules.length} rules, at most ${RULES_MAX} are read`)
  for (const [index, rule] of rules.entries()) checkRule(rule, `syscalls[${index}]`)
  if ('listenerPath' in profile && profile['listenerPath'] !== '') return refuse('listenerPath is not supported')
  return profile as SeccompProfile
}

function checkRule(rule: unknown, where: string): void {
  if (!isObject(rule)) return refuse(`${where} is no object`)
  const { name, names, action, args } = rule as Partial<SeccompRule>
  const known = listOf(names, `${where}.names`)
  if (name !== undefined && name !== '' && known.length > 0) {
    return refuse(`${where}: 'name' and 'names' were specified in the seccomp profile, use either one`)
  }
  if (known.some(text => typeof text !== 'string')) return refuse(`${where}.names must be strings`)
  if (!ACTIONS.includes(action ?? '')) return refuse(`${where}.action must be one of ${ACTIONS.join(', ')}`)
  for (const argument of listOf(args, `${where}.args`)) checkArgument(argument, `${where}.args`)
}

function checkArgument(argument: unknown, where: string): void {
  if (!isObject(argument)) return refuse(`${where} must be objects`)
  const { index, value, op } = argument as Partial<SeccompArgument>
  if (!Number.isInteger(index) || Number(index) < 0 || Number(index) > 5)
    return refuse(`${where}: index is from 0 to 5`)
  if (typeof value !== 'number') return refuse(`${where}: value must be a number`)
  if (!OPERATORS.includes(op ?? '')) refuse(`${where}: op must be one of ${OPERATORS.join(', ')}`)
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : refuse(`${where} must be a list`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(why: string): never {
  throw invalidInput('BAD_SECCOMP_PROFILE', `Decoding seccomp profile failed: ${why}`)
}
