import type { MemberRecord } from '../../core/model/node.ts'
import { hostFacts } from '../host-facts.ts'
import type { SystemInfo, VersionInfo } from '../resource-types.ts'

/** Docker Engine 1.12: what older ones answer is not what the manager reads. */
const API_MINOR_MIN = 24
const VERSION_MIN = '1.12'

/** A label that only the manager gives. */
const RESERVED_LABEL = 'node'

/** What an engine that answered is worth: a node, or the reason why it is none. */
export type Judgement = { readonly member: MemberRecord } | { readonly problem: string }

/** Whether an engine may be a node, in classic Swarm's words (cluster/engine.go). Pure. */
export function judgeEngine(
  address: string,
  { info, version }: { readonly info: SystemInfo; readonly version: VersionInfo },
  { knownId, tls }: { readonly knownId: string | undefined; readonly tls: boolean },
): Judgement {
  if (!(info.NCPU > 0) || !(info.MemTotal > 0) || info.SystemStatus?.some(([key]) => key === 'Role') === true) {
    return {
      problem: `cannot get resources for this engine, make sure ${address} is a Docker Engine, not a Swarm manager`,
    }
  }
  const minor = Number(/^1\.(\d+)$/.exec(version.ApiVersion)?.[1] ?? Number.NaN)
  if (!(minor >= API_MINOR_MIN)) {
    return {
      problem: `engine ${address} is running an unsupported version of Docker Engine. Please upgrade to at least ${VERSION_MIN}`,
    }
  }
  if (!info.ID || !info.Name) return { problem: `engine ${address} does not say its ID and its name` }
  const who = `Engine (ID: ${info.ID}, Addr: ${address})`
  const bad = (info.Labels ?? []).find(label => !/^[^=]+=/.test(label))
  if (bad !== undefined) {
    return { problem: `${who} contains an invalid label (${bad}) not formatted as "key=value".` }
  }
  if (knownId !== undefined && knownId !== info.ID) {
    const before = `Engine (ID: ${knownId}, Addr: ${address})`
    return {
      problem: `${before} shows up with another ID:${info.ID}. Please remove it from cluster, it can be added back.`,
    }
  }
  return { member: { ...memberOf(address, info), ...(tls ? { apiTls: true } : {}) } }
}

function memberOf(address: string, info: SystemInfo): MemberRecord {
  const labels = (info.Labels ?? []).map(text => {
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
