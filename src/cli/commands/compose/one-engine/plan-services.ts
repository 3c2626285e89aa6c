import type { PlanStep } from '../../../../core/model/control-api.ts'
import { type Known, replicasOf } from './known-containers.ts'

/** A service as it is wanted, with what tells whether a container of it may stay. */
export interface Wanted {
  readonly name: string
  readonly replicas: number
  readonly hash: string
  /** Of the image that its name means now; undefined: the engine has none. */
  readonly imageId: string | undefined
  /** `container_name`. */
  readonly containerName: string | undefined
  /** Replace its containers even if nothing has changed. */
  readonly recreate: boolean
  /** Leave containers that are there as they are, whatever has changed. */
  readonly keep: boolean
}

export interface Replacement {
  readonly old: Known
  readonly because: readonly string[]
}

export interface ServicePlan {
  readonly wanted: Wanted
  /** Numbers of containers that are not there yet. */
  readonly create: readonly number[]
  readonly replace: readonly Replacement[]
  readonly keep: readonly Known[]
  readonly remove: readonly Known[]
}

/** What must be done for a service to have its containers, and only those. Pure. */
export function planService(wanted: Wanted, containers: readonly Known[]): ServicePlan {
  const own = replicasOf(containers, wanted.name)
  // A replacement that was cut short leaves two containers of one number.
  const inOrder = own.toSorted((a, b) => a.number - b.number || rank(a) - rank(b))
  const [first, surplus] = split(inOrder, (each, index) => each.number !== inOrder[index - 1]?.number)
  const stay = first.slice(0, wanted.replicas)
  const reasons = stay.map(old => ({ old, because: whyReplace(old, wanted) }))
  const taken = new Set(stay.map(({ number }) => number))
  const free = Array.from({ length: wanted.replicas }, (_, index) => index + 1).filter(number => !taken.has(number))
  return {
    wanted,
    create: free.slice(0, Math.max(0, wanted.replicas - stay.length)),
    replace: reasons.filter(({ because }) => because.length > 0),
    keep: reasons.filter(({ because }) => because.length === 0).map(({ old }) => old),
    remove: [...first.slice(wanted.replicas), ...surplus],
  }
}

function rank({ summary, name }: Known): number {
  return (summary.State === 'running' ? 0 : 2) + (/^[0-9a-f]{12}_/.test(name) ? 1 : 0)
}

function split<T>(items: readonly T[], isFirst: (item: T, index: number) => boolean): readonly [T[], T[]] {
  const [yes, no]: [T[], T[]] = [[], []]
  for (const [index, item] of items.entries()) (isFirst(item, index) ? yes : no).push(item)
  return [yes, no]
}

function whyReplace({ hash, summary }: Known, { keep, recreate, hash: now, imageId }: Wanted): readonly string[] {
  if (keep) return []
  return [
    ...(recreate ? ['asked for'] : []),
    ...(hash === now ? [] : ['configuration']),
    ...(imageId === undefined || imageId === summary.ImageID ? [] : ['image']),
  ]
}

/** The name of a service's container. */
export function containerName(project: string, { name, containerName }: Wanted, number: number): string {
  return containerName ?? `${project}-${name}-${number}`
}

/** The same in words, a line a container. Pure. */
export function planSteps(project: string, plans: readonly ServicePlan[]): readonly PlanStep[] {
  const step = (action: PlanStep['action'], name: string, because?: readonly string[]): PlanStep => ({
    action,
    kind: 'container',
    name,
    ...(because === undefined ? {} : { because }),
  })
  return plans.flatMap(({ wanted, create, replace, keep, remove }) => [
    ...remove.map(({ name }) => step('remove', name)),
    ...keep.map(({ name }) => step('keep', name)),
    ...replace.map(({ old, because }) => step('update', old.name, because)),
    ...create.map(number => step('create', containerName(project, wanted, number))),
  ])
}
