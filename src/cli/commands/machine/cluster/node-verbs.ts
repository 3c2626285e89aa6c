import { conflict, errorMessage, invalidInput } from '../../../../core/errors.ts'
import type { Machine } from '../../../../machine/index.ts'
import { exitCodeOfMachine } from '../exit-code.ts'
import { type MachineCommand, namesOf, type RunMachineCommand } from '../machine-command.ts'
import { ManagerShell } from './manager-shell.ts'
import { allMachines, managersOf, masterOf } from './masters.ts'

/** What is done to a machine as a node of its cluster. */
interface NodeVerb {
  readonly would: string
  readonly done: string
  readonly work: (manager: ManagerShell, node: string, signal: AbortSignal) => Promise<void>
}

const CORDON: NodeVerb = {
  would: 'give nothing new to',
  done: 'gets nothing new',
  work: (manager, node, signal) => manager.setAvailability(node, 'pause', signal),
}
const DRAIN: NodeVerb = {
  would: 'move all tasks away from',
  done: 'is empty',
  work: (manager, node, signal) => manager.drain(node, signal),
}
const UNCORDON: NodeVerb = {
  would: 'let run things again on',
  done: 'takes part again',
  work: (manager, node, signal) => manager.setAvailability(node, 'active', signal),
}

export const runCordon: RunMachineCommand = command => runVerb(CORDON, command)
export const runDrain: RunMachineCommand = command => runVerb(DRAIN, command)
export const runUncordon: RunMachineCommand = command => runVerb(UNCORDON, command)

/** One machine after another: tasks of one must have a place before those of the next are moved. */
async function runVerb(verb: NodeVerb, command: MachineCommand): Promise<number> {
  const { context, options, store } = command
  const names = await namesOf(command)
  const machines = await allMachines(command)
  let worst = 0
  for (const name of names) {
    try {
      const master = checkMaster(await store.load(name), machines)
      if (options.flag('dryRun')) {
        context.stdout.write(`Would ${verb.would} "${name}"\n`)
        continue
      }
      await withManager(master, command, manager => verb.work(manager, name, context.signal))
      context.stdout.write(`"${name}" ${verb.done}\n`)
    } catch (error) {
      context.signal.throwIfAborted()
      context.stderr.write(`${errorMessage(error)}\n`)
      worst ||= exitCodeOfMachine(error)
    }
  }
  return worst
}

function checkMaster(machine: Machine, machines: readonly Machine[]): Machine {
  if (machine.swarm === undefined) {
    throw invalidInput('NOT_A_NODE', `Machine "${machine.name}" is in no cluster: create it with --swarm`)
  }
  const master = masterOf(machine, machines)
  if (master !== undefined) return master
  throw conflict(
    'NO_MASTER',
    `No machine here manages the cluster of "${machine.name}": use \`swarm node\` with -H and its manager`,
  )
}

type Asking = Pick<MachineCommand, 'context' | 'options' | 'questions' | 'store' | 'world'>

/** Has work done with a manager of a machine's cluster, and hangs up. */
export async function withManager<T>(
  machine: Machine,
  command: Asking,
  work: (manager: ManagerShell) => Promise<T>,
): Promise<T> {
  return withManagers(managersOf(machine, await allMachines(command)), command, work)
}

/** The same with the first manager of these machines that answers. */
export async function withManagers<T>(
  masters: readonly Machine[],
  command: Asking,
  work: (manager: ManagerShell) => Promise<T>,
): Promise<T> {
  const manager = new ManagerShell(masters, command)
  try {
    return await work(manager)
  } finally {
    await manager.close()
  }
}
