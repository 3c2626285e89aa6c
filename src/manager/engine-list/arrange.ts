import type { MemberRecord } from '../../core/model/node.ts'

/** An engine of the list, as far as it is known. */
export interface ListedEngine {
  readonly address: string
  /** As it last answered; absent until it was found to be fit. */
  readonly member?: MemberRecord
  /** How many questions in a row it has not answered. */
  readonly failures: number
  /** Why it is not fit, or did not answer; absent while all is well. */
  readonly problem?: string
}

export interface Arrangement {
  readonly members: readonly MemberRecord[]
  /** Engines that are no nodes. */
  readonly pending: readonly { readonly address: string; readonly reason: string }[]
  /** Nodes that do not answer any more, by name. */
  readonly failing: ReadonlyMap<string, string>
}

/**
 * Which engines are nodes. Of two that are one engine, or have one name, the node stays who is it already (`nodes`, names by address), else the
 * first of the list. Pure.
 */
export function arrange(
  engines: readonly ListedEngine[],
  { retries, nodes }: { readonly retries: number; readonly nodes: ReadonlyMap<string, string> },
): Arrangement {
  const members = new Map<string, MemberRecord>()
  const pending: { address: string; reason: string }[] = []
  const failing = new Map<string, string>()
  const isNode = ({ address }: ListedEngine): boolean => nodes.has(address)
  for (const engine of [...engines.filter(isNode), ...engines.filter(each => !isNode(each))]) {
    const { address, member, failures, problem } = engine
    const clash = member === undefined ? undefined : clashOf(member, members.get(member.name))
    if (member === undefined || clash !== undefined) {
      pending.push({ address, reason: clash ?? problem ?? 'it was not asked yet' })
    } else if (failures >= retries) {
      failing.set(member.name, problem ?? 'the engine does not answer')
    } else members.set(member.name, member)
  }
  return { members: [...members.values()], pending, failing }
}

/** Hosts made of one image often have one ID and names of their own: those are two engines. */
function clashOf({ id, name, apiAddress }: MemberRecord, namesake: MemberRecord | undefined): string | undefined {
  if (namesake === undefined) return undefined
  return namesake.id === id
    ? `ID duplicated. ${id} shared by this node ${apiAddress} and another node ${namesake.apiAddress}`
    : `Name duplicated. ${name} shared by this node ${apiAddress} and another node ${namesake.apiAddress}: give one host another name`
}
