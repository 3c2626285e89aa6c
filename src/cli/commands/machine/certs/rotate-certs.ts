import { EXIT_CODES, errorMessage, invalidInput } from '../../../../core/errors.ts'
import { hasOwnTls, type Machine } from '../../../../machine/index.ts'
import { badArgument } from '../../../usage.ts'
import { fetchClientCertificate, secureMasterOf } from '../cluster/client-certificate.ts'
import { allMachines, secureMasters } from '../cluster/masters.ts'
import { withManager } from '../cluster/node-verbs.ts'
import { type MachineCommand, namesOrAll } from '../machine-command.ts'
import { masterFor, renewEngines, renewMembers } from './renew.ts'

/**
 * `machine certs rotate`: other keys and certificates for the engines and members named. With --ca a new authority for each cluster; the
 * old one holds beside it until all have certificates of the new.
 */
export async function runCertsRotate(command: MachineCommand): Promise<number> {
  const { args, options, store } = command
  if (options.flag('ca')) {
    if (args.length > 0 || options.flag('all')) {
      throw badArgument('--ca', args.join(' ') || '--all', 'expected no machines, as it is for every cluster')
    }
    return rotateAuthorities(command)
  }
  const machines = await allMachines(command)
  const isMeant = (machine: Machine): boolean => hasOwnTls(machine) || secureMasterOf(machine, machines) !== undefined
  const names = await namesOrAll(command, isMeant)
  const named = await Promise.all(names.map(name => store.load(name)))
  const alone = named.filter(hasOwnTls)
  const members = named
    .filter(machine => !hasOwnTls(machine))
    .map(each => ({ machine: each, master: masterFor(each, machines) }))
  const [first] = alone
  if (options.flag('revokeOld') && first !== undefined) {
    throw invalidInput(
      'BAD_FLAG',
      `--revoke-old is for members of clusters: nobody tells "${first.name}", which is in none`,
    )
  }
  const codes = [await renewMembers(members, command), await renewEngines(alone, command)]
  return codes.find(code => code !== EXIT_CODES.done) ?? EXIT_CODES.done
}

async function rotateAuthorities(command: MachineCommand): Promise<number> {
  const { context, options } = command
  for (const master of secureMasters(await allMachines(command))) {
    if (options.flag('dryRun')) {
      context.stdout.write(`Would renew the authority of the cluster of "${master.name}"\n`)
      continue
    }
    await withManager(master, command, manager => manager.rotateAuthority(context.signal))
    context.stdout.write(`The cluster of "${master.name}" has a new authority\n`)
    await renewOwn(master, command)
  }
  return EXIT_CODES.done
}

/** Of the old authority, ours is not taken any more. */
async function renewOwn(master: Machine, command: MachineCommand): Promise<void> {
  const { signal, stderr } = command.context
  try {
    await fetchClientCertificate(master, command)
    stderr.write(
      'Your certificate was renewed. Other people get certificates of the new authority with "swarm client-cert"\n',
    )
  } catch (error) {
    signal.throwIfAborted()
    stderr.write(
      `Yours could not be renewed yet (${errorMessage(error)}): run \`machine regenerate-certs ${master.name}\`. Other people use "swarm client-cert"\n`,
    )
  }
}
