import { EXIT_CODES, invalidInput, unsupported } from '../../../../core/errors.ts'
import { hasOwnTls, type Machine } from '../../../../machine/index.ts'
import { fetchClientCertificate, secureMasterOf } from '../cluster/client-certificate.ts'
import { allMachines } from '../cluster/masters.ts'
import { type MachineCommand, namesOf } from '../machine-command.ts'
import { forEachMachine } from '../make/for-each-machine.ts'
import { provision } from '../make/provision.ts'
import { createReporter } from '../make/reporter.ts'
import { replaceAccess } from './engine-access.ts'
import { storeCerts } from './store-certs.ts'

/**
 * `machine regenerate-certs`: another certificate and key for engines of no cluster, with `--client-certs` another of this person's for them
 * too; and of this person's for the clusters of machines, whose members renew theirs by themselves.
 */
export async function runRegenerateCerts(command: MachineCommand): Promise<number> {
  const { options, store } = command
  const machines = await allMachines(command)
  const named = await Promise.all((await namesOf(command)).map(name => store.load(name)))
  const alone = named.filter(hasOwnTls)
  const members = named.filter(machine => !hasOwnTls(machine))
  const masters = [...new Set(members.map(machine => masterFor(machine, machines)))]
  if (alone.length > 0 && !options.flag('dryRun') && !(await isAgreed(command))) return EXIT_CODES.done
  if (options.flag('clientCerts') && alone.length > 0) await renewClient(machines, command)
  for (const master of masters) await fetchFor(master, command)
  return renewEngines(alone, command)
}

/** `machine certs rotate NAME`: another certificate and key for the engines of machines. Asks nothing. */
export async function renewEngines(machines: readonly Machine[], command: MachineCommand): Promise<number> {
  const reporter = createReporter(command.options, command.context)
  const names = machines.map(({ name }) => name)
  return forEachMachine(names, command, reporter, machine =>
    provision(machine, command, reporter, { isSignedAnew: true }),
  )
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
    context.stdout.write(`Would fetch a certificate for the cluster of "${master.name}"\n`)
    return
  }
  await fetchClientCertificate(master, command)
  context.stdout.write(`There is a new certificate for the cluster of "${master.name}"\n`)
}

/** Throws NO_CERTIFICATES. */
function masterFor(machine: Machine, machines: readonly Machine[]): Machine {
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
