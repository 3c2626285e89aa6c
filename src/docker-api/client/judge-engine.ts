import type { MemberRecord } from '../../core/model/node.ts'
import { hostFacts } from '../host-facts.ts'
import type { SystemInfo, VersionInfo } from '../resource-types.ts'

/** Docker Engine 1.12: what older ones answer is not what the manager reads. */
const API_MINOR_MIN = 24
const VERSION_MIN = '1.12'

/** A label that only the manager gives. */
const RESERVED_LABEL = 'node'

/** Longer than any host name. */
const WORD_CHARS_MAX = 255
/** What an engine says of itself stands in the store beside what all others say, and is shown with every list of nodes. */
const MEMBER_CHARS_MAX = 64 * 1024

/** What an engine that answered is worth: a node, or the reason why it is none. */
export type Judgement = { readonly member: MemberRecord } | { readonly problem: string }

/** Whether an engine may be a node, in classic Swarm's words (cluster/engine.go). Pure. */
export function judgeEngine(
  address: string,
  answers: Answers,
  { knownId, tls }: { readonly knownId: string | undefined; readonly tls: boolean },
): Judgement {
  const { info } = answers
  const problem = unfitness(address, answers) ?? nonsense(address, info) ?? otherId(address, info, knownId)
  if (problem !== undefined) return { problem }
  const member = { ...memberOf(address, info), ...(tls ? { apiTls: true } : {}) }
  if (JSON.stringify(member).length <= MEMBER_CHARS_MAX) return { member }
  const most = `labels and versions of ${MEMBER_CHARS_MAX / 1024} KiB at most`
  return { problem: `${nameOf(address, info.ID)} says more of itself than anybody reads: ${most}` }
}

interface Answers {
  readonly info: SystemInfo
  readonly version: VersionInfo
}

function unfitness(address: string, { info, version }: Answers): string | undefined {
  if (!isAmount(info.NCPU) || !isAmount(info.MemTotal) || info.SystemStatus?.some(([key]) => key === 'Role') === true) {
    return `cannot get resources for this engine, make sure ${address} is a Docker Engine, not a Swarm manager`
  }
  const minor = Number(/^1\.(\d+)$/.exec(version.ApiVersion)?.[1] ?? Number.NaN)
  if (minor >= API_MINOR_MIN) return undefined
  return `engine ${address} is running an unsupported version of Docker Engine. Please upgrade to at least ${VERSION_MIN}`
}

function nonsense(address: string, { ID, Name, Labels }: SystemInfo): string | undefined {
  if (!ID || !Name) return `engine ${address} does not say its ID and its name`
  if (!isWord(ID) || !isWord(Name)) {
    return `engine ${address} gives an ID or a name that is none: they are words of up to ${WORD_CHARS_MAX} characters`
  }
  const labels: readonly unknown[] = Array.isArray(Labels) ? Labels : []
  const bad = labels.find(label => typeof label !== 'string' || !/^[^=]+=/.test(label))
  if (bad === undefined) return undefined
  const shown = (typeof bad === 'string' ? bad : JSON.stringify(bad)).slice(0, WORD_CHARS_MAX)
  return `${nameOf(address, ID)} contains an invalid label (${shown}) not formatted as "key=value".`
}

function otherId(address: string, { ID }: SystemInfo, knownId: string | undefined): string | undefined {
  if (knownId === undefined || knownId === ID) return undefined
  return `${nameOf(address, knownId)} shows up with another ID:${ID}. Please remove it from cluster, it can be added back.`
}

function nameOf(address: string, id: string): string {
  return `Engine (ID: ${id}, Addr: ${address})`
}

/** What can stand in a key, in front of a slash, and in a line of text. */
function isWord(text: unknown): boolean {
  return typeof text === 'string' && text.length <= WORD_CHARS_MAX && /^[^\s/\p{C}]+$/u.test(text)
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

function memberOf(address: string, info: SystemInfo): MemberRecord {
  const labels = (Array.isArray(info.Labels) ? info.Labels : []).map(text => {
    const equals = text.indexOf('=')
    return [text.slice(0, equals), text.slice(equals + 1)] as const
  })
  return {
    name: info.Name,
    id: info.ID,
    apiAddress: address,
    address: address.replace(/:\d+$/, ''),
    ...hostFacts(info),
    labels: Object.fromEntries(labels.filter(([key]) => key !== RESERVED_LABEL)),
    bootId: '',
    epoch: 1,
    startedAtMs: 0,
  }
}
