import type { PlanStep } from '../../../../core/model/control-api.ts'
import { type Known, replicasOf } from './known-containers.ts'

/** A service as it is wanted, with what tells whether a container of it may stay. */
export interface Wanted {
  readonly project: string
  readonly name: string
  readonly replicas: number
  readonly hash: string
  /** Of the image that its name means now; undefined: the engine has none. */
  readonly imageId: string | undefined
  /** `container_name`. */
  readonly containerName: string | undefined
  /** Services of whose first containers its own share a namespace or volumes. */
  readonly shares: readonly string[]
  /** Replace its containers even if nothing has changed. */
  readonly recreate: boolean
  /** Networks of it that are made, so that what is there cannot be on them. */
  readonly newNetworks: readonly string[]
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
  /** Those of `keep` that still bear the name which they were made under beside the one they replaced. */
  readonly rename: readonly Known[]
  readonly remove: readonly Known[]
}

/**
 * What must be done for services to have their containers, and only those. What a container shares belongs to one container
 * of another service: when that one is replaced, so are those that share. Pure.
 */
export function planServices(wishes: readonly Wanted[], containers: readonly Known[]): readonly ServicePlan[] {
  const wanted = new Map(wishes.map(wish => [wish.name, wish]))
  const plans = new Map<string, ServicePlan>()
  const planOf = (wish: Wanted): ServicePlan => {
    const plan = plans.get(wish.name) ?? planService(wish, containers, whyMoved)
    plans.set(wish.name, plan)
    return plan
  }
  const whyMoved: WhyMoved = (service, sharer) => {
    const wish = wanted.get(service)
    const [first] = wish === undefined ? replicasOf(containers, service) : stayingFirst(planOf(wish))
    if (first === undefined) return wish === undefined ? [] : [`${service} is replaced`]
    // The rest of a replacement that was cut short: the engine still names the one that is gone.
    return first.summary.Created > sharer.summary.Created ? [`${service} was replaced`] : []
  }
  return wishes.map(planOf)
}

/** Why a container cannot go on to share what it shares with a service. */
type WhyMoved = (service: string, sharer: Known) => readonly string[]

/** The container of the lowest number, if it is there already and stays. */
function stayingFirst({ keep, replace, create }: ServicePlan): readonly Known[] {
  const others = [...replace.map(({ old }) => old.number), ...create]
  return keep.filter(({ number }) => others.every(other => number < other)).slice(0, 1)
}

function planService(wanted: Wanted, containers: readonly Known[], whyMoved: WhyMoved): ServicePlan {
  const own = replicasOf(containers, wanted.name)
  // A replacement that was cut short leaves two containers of one number.
  const inOrder = own.toSorted((a, b) => a.number - b.number || rank(a, wanted) - rank(b, wanted))
  const [first, surplus] = split(inOrder, (each, index) => each.number !== inOrder[index - 1]?.number)
  const stay = first.slice(0, wanted.replicas)
  const reasons = stay.map(old => ({ old, because: whyReplace(old, wanted, whyMoved) }))
  const keep = reasons.filter(({ because }) => because.length === 0).map(({ old }) => old)
  const taken = new Set(stay.map(({ number }) => number))
  const free = Array.from({ length: wanted.replicas }, (_, index) => index + 1).filter(number => !taken.has(number))
  return {
    wanted,
    create: free.slice(0, Math.max(0, wanted.replicas - stay.length)),
    replace: reasons.filter(({ because }) => because.length > 0),
    keep,
    rename: keep.filter(each => isBeside(each, wanted)),
    remove: [...first.slice(wanted.replicas), ...surplus],
  }
}

function rank(container: Known, wanted: Wanted): number {
  return (container.summary.State === 'running' ? 0 : 2) + (isBeside(container, wanted) ? 1 : 0)
}

/** What a container is called until it takes the place of another. */
export function nameBeside(old: Known, name: string): string {
  return `${old.id.slice(0, BESIDE_ID)}_${name}`
}

const BESIDE_ID = 12

function isBeside({ name, number }: Known, wanted: Wanted): boolean {
  const end = `_${containerName(wanted, number)}`
  return name.endsWith(end) && name.length === end.length + BESIDE_ID && /^[0-9a-f]+_/.test(name)
}

function split<T>(items: readonly T[], isFirst: (item: T, index: number) => boolean): readonly [T[], T[]] {
  const [yes, no]: [T[], T[]] = [[], []]
  for (const [index, item] of items.entries()) (isFirst(item, index) ? yes : no).push(item)
  return [yes, no]
}

function whyReplace(old: Known, wanted: Wanted, whyMoved: WhyMoved): readonly string[] {
  const { hash, summary } = old
  const { keep, recreate, hash: now, imageId, newNetworks, shares } = wanted
  if (keep) return []
  return [
    ...(recreate ? ['asked for'] : []),
    ...(hash === now ? [] : ['configuration']),
    ...(imageId === undefined || imageId === summary.ImageID ? [] : ['image']),
    ...newNetworks.map(network => `network ${network}`),
    ...shares.flatMap(service => whyMoved(service, old)),
  ]
}

/** The name of a service's container. */
export function containerName({ project, name, containerName }: Wanted, number: number): string {
  return containerName ?? `${project}-${name}-${number}`
}

/** The same in words, a line a container. Pure. */
export function planSteps(plans: readonly ServicePlan[]): readonly PlanStep[] {
  const step = (action: PlanStep['action'], name: string, because?: readonly string[]): PlanStep => ({
    action,
    kind: 'container',
    name,
    ...(because === undefined ? {} : { because }),
  })
  return plans.flatMap(({ wanted, create, replace, keep, rename, remove }) => [
    ...remove.map(({ name }) => step('remove', name)),
    ...keep.map(each => (rename.includes(each) ? step('update', each.name, ['name']) : step('keep', each.name))),
    ...replace.map(({ old, because }) => step('update', old.name, because)),
    ...create.map(number => step('create', containerName(wanted, number))),
  ])
}
