import { invalidInput, ShoalError } from '../../../../core/errors.ts'
import { driverOf, type Machine, managerPort, STORE_PORT, type SwarmSettings } from '../../../../machine/index.ts'
import type { MachineCommand } from '../machine-command.ts'

/** Every machine whose record can be read. */
export async function allMachines({ store }: Pick<MachineCommand, 'store'>): Promise<readonly Machine[]> {
  const machines = await Promise.all((await store.names()).map(name => store.load(name).catch(() => undefined)))
  return machines.filter(machine => machine !== undefined)
}

/** The machine whose manager keeps the store of a machine's cluster; undefined: it is in none, or in one that others made. */
export function masterOf(machine: Machine, machines: readonly Machine[]): Machine | undefined {
  if (machine.swarm === undefined) return undefined
  if (keepsStore(machine)) return machine
  const discovery = machine.swarm.discovery.replace(/\/+$/, '')
  return machines.find(other => keepsStore(other) && whereIsStore(other) === discovery)
}

/**
 * A machine's part in a cluster with the cluster named: where nobody said which one to join it is the one that the machines of the
 * store have, or that of `machine://NAME`. Throws NO_CLUSTER.
 */
export function joinedTo(swarm: SwarmSettings, machines: readonly Machine[]): SwarmSettings {
  const [, named] = /^machine:\/\/(.+)$/.exec(swarm.discovery) ?? []
  if (swarm.discovery !== '' && named === undefined) return swarm
  if (swarm.master && named === undefined) return swarm
  const masters = machines.filter(machine => keepsStore(machine) && (named === undefined || machine.name === named))
  const [master] = masters
  if (master === undefined || masters.length > 1) {
    const which = masters.map(({ name }) => name).join(', ')
    const why = master === undefined ? 'no machine here keeps one' : `there are several (${which})`
    throw invalidInput(
      'NO_CLUSTER',
      `Which cluster is it to join? ${why}: create a machine with --swarm-master first, or name one with --swarm-discovery machine://NAME`,
    )
  }
  const isInsecure = swarm.insecure === true || master.swarm?.insecure === true
  return { ...swarm, discovery: storeOf(master), ...(isInsecure ? { insecure: true } : {}) }
}

/** Where its manager answers, as members are told: `10.0.0.5:3376`. */
export function managerOf(master: Machine): string {
  return `${addressOf(master)}:${managerPort(master.swarm?.host ?? '')}`
}

function keepsStore({ swarm }: Machine): boolean {
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
