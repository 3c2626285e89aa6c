import { invalidInput, ShoalError } from '../../../../core/errors.ts'
import {
  driverOf,
  type Machine,
  managerPort,
  plainStore,
  STORE_PORT,
  type SwarmSettings,
} from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'

/** Every machine whose record can be read, and in a dry run those that would be made. */
export async function allMachines({
  store,
  wouldBe = new Map(),
}: Pick<MachineCommand, 'store' | 'wouldBe'>): Promise<readonly Machine[]> {
  const names = (await store.names()).filter(name => !wouldBe.has(name))
  const machines = await Promise.all(names.map(name => store.load(name).catch(() => undefined)))
  return [...machines.filter(machine => machine !== undefined), ...wouldBe.values()]
}

/** Who speaks for a machine's cluster: the first of its managers. Undefined: it is in none, or in one that others made. */
export function masterOf(machine: Machine, machines: readonly Machine[]): Machine | undefined {
  return managersOf(machine, machines)[0]
}

/**
 * The machines whose managers can be asked for a machine's cluster: who began its store, then those that keep copies. What names the
 * cluster in their records is where its store began, which stays so once that machine is gone.
 */
export function managersOf(machine: Machine, machines: readonly Machine[]): readonly Machine[] {
  const { swarm } = machine
  if (swarm === undefined) return []
  const cluster = isKeeper(swarm) ? whereIsStore(machine) : plainStore(swarm.discovery)
  const keeper = isKeeper(swarm) ? machine : machines.find(each => keepsStore(each) && whereIsStore(each) === cluster)
  const first = keeper === undefined ? [] : [keeper]
  // Without certificates there is one store, and none of its managers goes on without it.
  if (cluster === undefined || (keeper ?? machine).swarm?.insecure === true) return first
  return [...first, ...machines.filter(each => hasCopy(each) && plainStore(each.swarm?.discovery ?? '') === cluster)]
}

/**
 * The managers that go on without a machine; empty: its cluster ends with it. Where one copy is beside the store that was there first, it
 * has no vote.
 */
export function managersWithout(machine: Machine, machines: readonly Machine[]): readonly Machine[] {
  const others = managersOf(machine, machines).filter(({ name }) => name !== machine.name)
  return keepsStore(machine) && others.length < 2 ? [] : others
}

/** Those who speak for clusters with certificates, one a cluster. */
export function secureMasters(machines: readonly Machine[]): readonly Machine[] {
  return machines.filter(machine => masterOf(machine, machines) === machine && machine.swarm?.insecure !== true)
}

interface Joining {
  readonly name: string
  /** As it is kept. */
  readonly before: SwarmSettings | undefined
  readonly others: readonly Machine[]
}

/**
 * A machine's part in a cluster with the cluster named: where nobody said which one to join it is the one that the other machines have,
 * or that of `machine://NAME`. A master begins one where there is none, and where it names itself. Throws NO_CLUSTER, BAD_FLAG.
 */
export function joinedTo(swarm: SwarmSettings, { name, before, others }: Joining): SwarmSettings {
  const [, named] = /^machine:\/\/(.+)$/.exec(swarm.discovery) ?? []
  if (swarm.discovery !== '' && named === undefined) return swarm
  if (swarm.master && named === name) return { ...swarm, discovery: '' }
  const masters = clustersOf(others, named)
  const [master] = masters
  const own = named === undefined ? ownCluster(swarm, before, master) : undefined
  if (own !== undefined) return { ...swarm, discovery: own }
  if (master === undefined || masters.length > 1) throw noCluster(masters, swarm.master ? name : undefined)
  const isInsecure = isInsecureWith(master, swarm, name)
  return { ...swarm, discovery: clusterOf(master), ...(isInsecure ? { insecure: true } : {}) }
}

/** Who speaks for each cluster of these machines, or for that of the manager named. */
function clustersOf(machines: readonly Machine[], named: string | undefined): readonly Machine[] {
  const managers = machines.filter(each => each.swarm?.master === true && (named === undefined || each.name === named))
  return [...new Set(managers.flatMap(each => masterOf(each, machines) ?? []))]
}

/** What names a manager's cluster in the records of its members. */
function clusterOf(master: Machine): string {
  const { swarm } = master
  return swarm === undefined || isKeeper(swarm) ? storeOf(master) : swarm.discovery
}

/**
 * The cluster that a machine is in without joining one: which it began, which it would begin as the first, and of which it is the last
 * manager. Undefined: it joins one.
 */
function ownCluster(
  swarm: SwarmSettings,
  before: SwarmSettings | undefined,
  master: Machine | undefined,
): string | undefined {
  if (isKeeper(before)) return ''
  if (!swarm.master || master !== undefined) return undefined
  return before?.master === true && before.insecure !== true ? before.discovery : ''
}

/** `own`: the name of a master, which may begin a cluster of its own. */
function noCluster(masters: readonly Machine[], own: string | undefined): Error {
  const which = masters.map(({ name }) => name).join(', ')
  const why = masters.length === 0 ? 'no machine here keeps one' : `there are several (${which})`
  const begin = own === undefined ? '' : `, or machine://${own} for a new one`
  return invalidInput(
    'NO_CLUSTER',
    `Which cluster is it to join? ${why}: create a machine with --swarm-master first, or name one with --swarm-discovery machine://NAME${begin}`,
  )
}

/**
 * Whether a member of a master's cluster has no certificates. Where others have them it would not be let in, which would only be seen when
 * all is installed and waits. Throws BAD_FLAG.
 */
function isInsecureWith(master: Machine, swarm: SwarmSettings, name: string): boolean {
  if (master.swarm?.insecure === true) return true
  if (swarm.insecure !== true) return false
  const begin = swarm.master ? `, or begin another cluster with --swarm-discovery machine://${name}` : ''
  throw invalidInput('BAD_FLAG', `The cluster of "${master.name}" has certificates: leave --insecure out${begin}`)
}

/** The other machines of the cluster that a machine speaks for. */
export function membersOf(master: Machine, machines: readonly Machine[]): readonly Machine[] {
  return machines.filter(each => each.name !== master.name && masterOf(each, machines)?.name === master.name)
}

/** Where its manager answers, as members are told: `10.0.0.5:3376`. */
export function managerOf(master: Machine): string {
  return `${addressOf(master)}:${managerPort(master.swarm?.host ?? '')}`
}

/** The store of its cluster began with its manager. */
export function keepsStore({ swarm }: Machine): boolean {
  return isKeeper(swarm)
}

/** Its manager joined others and keeps what they have. */
function hasCopy(machine: Machine): boolean {
  const { swarm } = machine
  return swarm?.master === true && !isKeeper(swarm) && swarm.insecure !== true && whereIsStore(machine) !== undefined
}

function isKeeper(swarm: SwarmSettings | undefined): boolean {
  return swarm?.master === true && swarm.discovery === ''
}

function storeOf(master: Machine): string {
  return `etcd://${addressOf(master)}:${STORE_PORT}`
}

/** Undefined of a master that was not made to its end: nobody can have joined it. */
function whereIsStore(master: Machine): string | undefined {
  try {
    return storeOf(master)
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'NOT_MADE') return undefined
    throw error
  }
}

function addressOf(machine: Machine): string {
  const { address } = driverOf(machine.driver).whereabouts(machine)
  return address
}
