import type { MemberRecord } from '../../core/model/node.ts'
import { hostFacts, type SystemInfo } from '../../docker-api/index.ts'
import type { AgentMemory, AgentOptions } from '../ports.ts'

/** What this node says of itself; pure. */
export function toMemberRecord(
  options: AgentOptions,
  info: SystemInfo,
  { memory, nowMs }: { memory: AgentMemory; nowMs: number },
): MemberRecord {
  return {
    name: options.name,
    id: memory.id,
    ...(info.ID === '' ? {} : { engineId: `${info.ID}|${info.Name}` }),
    apiAddress: options.apiAddress,
    ...(options.apiTls === true ? { apiTls: true } : {}),
    address: options.address,
    ...(options.overlay === true ? { overlay: true } : {}),
    ...hostFacts(info),
    labels: { ...readLabels(info.Labels), ...options.labels },
    bootId: options.bootId,
    epoch: memory.epoch,
    startedAtMs: nowMs,
  }
}

/** Engines give labels as `key=value`. */
function readLabels(labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    labels.map(label => {
      const equals = label.indexOf('=')
      return equals < 0 ? [label, ''] : [label.slice(0, equals), label.slice(equals + 1)]
    }),
  )
}
