import { EXIT_CODES, invalidInput } from '../../../../core/errors.ts'
import { hasOwnTls, type Machine } from '../../../../machine/index.ts'
import { fetchClientCertificate } from '../cluster/client-certificate.ts'
import { allMachines } from '../cluster/masters.ts'
import { type MachineCommand, namesOf } from '../machine-command.ts'
import { replaceAccess } from './engine-access.ts'
import { masterFor, renewEngines, renewMembers } from './renew.ts'
import { storeCerts } from './store-certs.ts'

/**
 * `machine regenerate-certs`: other certificates and keys for machines, and another of this person's: for the clusters of members always, for
 * engines of no cluster with `--client-certs`.
 */
export async function runRegenerateCerts(command: MachineCommand): Promise<number> {
  const { options, store } = command
  const machines = await allMachines(command)
  const named = await Promise.all((await namesOf(command)).map(name => store.load(name)))
  const alone = named.filter(hasOwnTls)
  const members = named
    .filter(machine => !hasOwnTls(machine))
    .map(machine => ({ machine, master: masterFor(machine, machines) }))
  if (!options.flag('dryRun') && !(await isAgreed(command))) return EXIT_CODES.done
  if (options.flag('clientCerts') && alone.length > 0) await renewClient(machines, command)
  for (const master of new Set(members.map(each => each.master))) await fetchFor(master, command)
  const codes = [await renewMembers(members, command), await renewEngines(alone, command)]
  return codes.find(code => code !== EXIT_CODES.done) ?? EXIT_CODES.done
}

/** Throws NOT_ASKED where nobody is there to answer. */
async function isAgreed({ options, questions }: MachineCommand): Promise<boolean> {
  if (options.flag('force') || options.flag('yes')) return true
  const answer = await questions.yesOrNo('Regenerate TLS machine certs?  Warning: this is irreversible.')
  if (answer !== undefined) return answer
  throw invalidInput('NOT_ASKED', 'Nobody answered, so nothing was changed: add -f to do it without a question')
}

/** One for all engines that know its authority: all machines get it, not only those that were named. */
async function renewClient(machines: readonly Machine[], command: MachineCommand): Promise<void> {
  const { context, options } = command
  if (options.flag('dryRun')) return void context.stdout.write('Would make another certificate of yours\n')
  const files = await storeCerts(command).client({ isAnew: true })
  for (const { name } of machines.filter(hasOwnTls)) await replaceAccess(name, files, command)
  context.stdout.write('There is a new certificate of yours for engines in no cluster\n')
}

async function fetchFor(master: Machine, command: MachineCommand): Promise<void> {
  const { context, options } = command
  if (options.flag('dryRun')) {
    context.stdout.write(`Would fetch a certificate of yours for the cluster of "${master.name}"\n`)
    return
  }
  await fetchClientCertificate(master, command)
  context.stdout.write(`There is a new certificate of yours for the cluster of "${master.name}"\n`)
}
