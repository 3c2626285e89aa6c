import { invalidInput, ShoalError } from '../../../../core/errors.ts'
import { driverOf, type Machine, managerPort, STORE_PORT, type SwarmSettings } from '../../../../machine/index.ts'
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

/** The machine whose manager keeps the store of a machine's cluster; undefined: it is in none, or in one that others made. */
export function masterOf(machine: Machine, machines: readonly Machine[]): Machine | undefined {
  if (machine.swarm === undefined) return undefined
  if (keepsStore(machine)) return machine
  const discovery = machine.swarm.discovery.replace(/\/+$/, '')
  return machines.find(other => keepsStore(other) && whereIsStore(other) === discovery)
}

/** Those who keep the store of a cluster with certificates, one a cluster. */
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
  const masters = others.filter(machine => keepsStore(machine) && (named === undefined || machine.name === named))
  const [master] = masters
  const isFirst = named === undefined && (isKeeper(before) || (swarm.master && master === undefined))
  if (isFirst) return swarm
  if (master === undefined || masters.length > 1) throw noCluster(masters, swarm.master ? name : undefined)
  const isInsecure = isInsecureWith(master, swarm, name)
  return { ...swarm, discovery: storeOf(master), ...(isInsecure ? { insecure: true } : {}) }
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

/** The other machines of the cluster whose store a machine keeps. */
export function membersOf(master: Machine, machines: readonly Machine[]): readonly Machine[] {
  return machines.filter(each => each.name !== master.name && masterOf(each, machines)?.name === master.name)
}

/** Where its manager answers, as members are told: `10.0.0.5:3376`. */
export function managerOf(master: Machine): string {
  return `${addressOf(master)}:${managerPort(master.swarm?.host ?? '')}`
}

function keepsStore({ swarm }: Machine): boolean {
  return isKeeper(swarm)
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
