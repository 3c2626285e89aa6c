import { EXIT_CODES } from '../../../../core/errors.ts'
import type { Machine } from '../../../../machine/index.ts'
import { allMachines, managersWithout, masterOf } from '../cluster/masters.ts'
import { withManagers } from '../cluster/node-verbs.ts'
import { type MachineCommand, namesOrAll } from '../machine-command.ts'
import { conclude, portsFor, provisionOptions, requestFor } from '../make/provision.ts'
import { createReporter, type Reporter } from '../make/reporter.ts'

/**
 * `machine upgrade`: brings machines to this version, one after another, each empty of tasks while it is at it. Stops at the first
 * failure, so that no more than one machine is ever missing.
 */
export async function runUpgrade(command: MachineCommand): Promise<number> {
  const { context, options, store } = command
  const names = await namesToUpgrade(command)
  const reporter = createReporter(options, context)
  let worst: number = EXIT_CODES.done
  try {
    for (const [index, name] of names.entries()) {
      const code = await store.exclusively(name, context.signal, async () =>
        upgradeOne(await store.load(name), command, reporter),
      )
      worst ||= code
      // Where nothing is done, what is wrong with one is no reason to say nothing of the others.
      if (code === EXIT_CODES.done || options.flag('dryRun')) continue
      const left = names.slice(index + 1)
      if (left.length > 0) context.stderr.write(`Stopped there; not upgraded: ${left.join(', ')}\n`)
      break
    }
    return worst
  } finally {
    reporter.end()
  }
}

/** Where nothing is done and nobody is named it is all of them. Of a machine without SSH only its URL is known. */
async function namesToUpgrade(command: MachineCommand): Promise<readonly string[]> {
  const { args, options } = command
  const isOfNobody = args.length === 0 && options.flag('dryRun')
  return namesOrAll(command, ({ driver }) => driver !== 'none', options.flag('all') || isOfNobody)
}

async function upgradeOne(machine: Machine, command: MachineCommand, reporter: Reporter): Promise<number> {
  const { options } = command
  const machines = await allMachines(command)
  const master = masterOf(machine, machines)
  const request = await requestFor(machine, command, reporter)
  const asked = { ...provisionOptions(machine, command, reporter), drain: !options.flag('keepTasks') }
  // A manager that is being upgraded cannot move tasks; its containers go on.
  const result =
    master === undefined || master.name === machine.name
      ? await command.world.hosts.upgrade(request, asked, portsFor(command))
      : await withManagers(managersWithout(machine, machines), command, membership =>
          command.world.hosts.upgrade({ ...request, membership }, asked, portsFor(command)),
        )
  conclude(result, machine, { command, reporter })
  return result.exitCode
}
