import { EXIT_CODES, errorMessage, invalidInput, unsupported } from '../../../../core/errors.ts'
import { type Machine, managerName } from '../../../../machine/index.ts'
import { secureMasterOf } from '../cluster/client-certificate.ts'
import { withManager } from '../cluster/node-verbs.ts'
import { exitCodeOfMachine } from '../exit-code.ts'
import type { MachineCommand } from '../machine-command.ts'
import { forEachMachine } from '../make/for-each-machine.ts'
import { provision } from '../make/provision.ts'
import { createReporter } from '../make/reporter.ts'

/** Another certificate and key for the engines of machines. Asks nothing. */
export async function renewEngines(machines: readonly Machine[], command: MachineCommand): Promise<number> {
  if (machines.length === 0) return EXIT_CODES.done
  const reporter = createReporter(command.options, command.context)
  const names = machines.map(({ name }) => name)
  return forEachMachine(names, command, reporter, machine =>
    provision(machine, command, reporter, { isSignedAnew: true }),
  )
}

interface Member {
  readonly machine: Machine
  readonly master: Machine
}

/**
 * Has members of clusters make other keys, and get certificates for them: agent and manager of a machine, which go on meanwhile. One
 * machine after another, whatever becomes of the one before. Asks nothing.
 */
export async function renewMembers(members: readonly Member[], command: MachineCommand): Promise<number> {
  const { context, options } = command
  let worst: number = EXIT_CODES.done
  for (const { machine, master } of members) {
    const { name } = machine
    if (options.flag('dryRun')) {
      context.stdout.write(
        `Would make other keys and certificates for "${name}" (${memberNames(machine).join(', ')})\n`,
      )
      continue
    }
    try {
      const asked = { revokesOld: options.flag('revokeOld'), signal: context.signal }
      await withManager(master, command, manager => manager.renew(memberNames(machine), asked))
      context.stdout.write(`There are new certificates for "${name}"\n`)
    } catch (error) {
      context.signal.throwIfAborted()
      context.stderr.write(`The certificates of "${name}" were not renewed: ${errorMessage(error)}\n`)
      worst ||= exitCodeOfMachine(error)
    }
  }
  return worst
}

/** Under which a machine has certificates of its cluster. */
function memberNames(machine: Machine): readonly string[] {
  const { name, swarm } = machine
  return [...(swarm?.agent === false ? [] : [name]), ...(swarm?.master === true ? [managerName(machine)] : [])]
}

/** The master of the cluster that signs for a machine. Throws NO_CERTIFICATES. */
export function masterFor(machine: Machine, machines: readonly Machine[]): Machine {
  const master = machines.find(each => each.name === secureMasterOf(machine, machines)?.name)
  if (master !== undefined) return master
  const { engine, name, swarm } = machine
  if (swarm === undefined && engine.kind === 'docker') {
    throw unsupported(
      'NO_CERTIFICATES',
      `The Docker on "${name}" was there before: its certificates are left to whoever made them`,
    )
  }
  if (swarm !== undefined) {
    throw invalidInput('NO_CERTIFICATES', `No machine here signs certificates for the cluster of "${name}"`)
  }
  throw unsupported(
    'NO_CERTIFICATES',
    `Machine "${name}" is in no cluster, and its engine is reached over SSH: \`machine create --access tls ${name}\` has it serve with certificates`,
  )
}
