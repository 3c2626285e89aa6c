import type { Change, NodeVerdict, SmallestChange } from '../../core/model/explanation.ts'
import { formatBytes } from '../../core/units.ts'
import { formatCpus } from '../refusals.ts'

/** How much it is to ask for each change; among as many changes the least is proposed. */
const EFFORT: Readonly<Record<Change['do'], number>> = {
  'activate-node': 1,
  free: 2,
  'free-port': 2,
  'free-slot': 2,
  'allow-replicas': 2,
  drop: 3,
  'ask-for-less': 3,
  'start-node': 4,
}

/** The least that would make a node take the request, judged by all that is in the way on each; undefined without nodes. */
export function smallestChange(verdicts: readonly NodeVerdict[]): SmallestChange | undefined {
  let least:
    | { readonly node: string; readonly changes: readonly Change[]; readonly cost: readonly number[] }
    | undefined
  for (const { node, obstacles } of verdicts) {
    const changes = [...new Map(obstacles.map(({ change }) => [JSON.stringify(change), change])).values()]
    const cost = costOf(changes)
    if (least === undefined || isLess(cost, least.cost)) least = { node, changes, cost }
  }
  if (least === undefined) return undefined
  return { node: least.node, changes: least.changes, text: least.changes.map(changeText) }
}

function costOf(changes: readonly Change[]): readonly number[] {
  const effort = changes.reduce((sum, change) => sum + EFFORT[change.do], 0)
  const amount = changes.reduce((sum, change) => sum + (change.do === 'free' ? change.amount : 0), 0)
  return [changes.length, effort, amount]
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index])
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0)
}

function changeText(change: Change): string {
  switch (change.do) {
    case 'start-node':
      return `bring node ${change.node} back`
    case 'activate-node':
      return `let node ${change.node} take containers: swarm node update --availability active ${change.node}`
    case 'drop':
      return `drop ${change.what} ${change.text}`
    case 'free':
      return `free ${amountText(change.what, change.amount)} on ${change.node}`
    case 'ask-for-less':
      return change.atMost > 0
        ? `ask for ${amountText(change.what, change.atMost)} at most`
        : `ask for no ${change.what === 'cpu' ? 'CPU' : 'memory'}`
    case 'free-port':
      return `free port ${change.port} on ${change.node}, held by ${change.holder}`
    case 'free-slot':
      return `allow ${change.allowed} containers on ${change.node}, or remove one`
    case 'allow-replicas':
      return `allow ${change.replicas} replicas a node`
  }
}

function amountText(what: 'cpu' | 'memory', amount: number): string {
  if (what === 'memory') return `${formatBytes(amount)} of memory`
  const cpus = formatCpus(amount)
  return `${cpus} ${cpus === '1' ? 'CPU' : 'CPUs'}`
}
