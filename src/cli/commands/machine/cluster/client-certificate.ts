import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, errorMessage, invalidInput, unsupported } from '../../../../core/errors.ts'
import { newShortId } from '../../../../core/random.ts'
import { driverOf, type Machine } from '../../../../machine/index.ts'
import { type CertificateFacts, readCertificate, renewAtMs } from '../../../../trust/index.ts'
import { sudoPasswordOf } from '../change/sudo-password.ts'
import { type MachineCommand, namesOf } from '../machine-command.ts'
import { bareRequest, portsFor } from '../make/provision.ts'
import { allMachines, managerOf, masterOf } from './masters.ts'

const USER_CHARS_MAX = 40

/** The master of a machine's cluster, if members of it have certificates, and its host can be asked for one. */
export function secureMasterOf(machine: Machine, machines: readonly Machine[]): Machine | undefined {
  const master = masterOf(machine, machines)
  if (master === undefined || master.swarm?.insecure === true) return undefined
  return driverOf(master.driver).whereabouts(master).ssh === undefined ? undefined : master
}

/** Where this person's certificate for a cluster lies: beside what is known of its master, and gone or renamed with that. */
export function clientFolderOf(master: Machine, { store }: Pick<MachineCommand, 'store'>): string {
  return join(store.folderOf(master.name), 'client')
}

/** What this person's certificate for a cluster says; undefined: there is none. Throws BAD_CERTIFICATE. */
export async function readClientCertificate(
  master: Machine,
  command: Pick<MachineCommand, 'store'>,
): Promise<CertificateFacts | undefined> {
  try {
    return readCertificate(await readFile(join(clientFolderOf(master, command), 'cert.pem'), 'utf8'))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Has a certificate be there by which this person is let in. One that has aged is replaced; while it still holds, that may fail. */
export async function ensureClientCertificate(master: Machine, command: MachineCommand): Promise<void> {
  const { clock, signal, stderr } = command.context
  const known = await readClientCertificate(master, command)
  if (known !== undefined && clock.nowMs() < renewAtMs(known)) return
  try {
    await fetchClientCertificate(master, command)
  } catch (error) {
    signal.throwIfAborted()
    if (known === undefined || known.notAfterMs <= clock.nowMs()) throw error
    stderr.write(
      `The certificate for the cluster of "${master.name}" could not be renewed yet: ${errorMessage(error)}\n`,
    )
  }
}

/** The same once a machine is provisioned, where it must not undo what was reached: a failure is told. */
export async function keepClientCertificate(machine: Machine, command: MachineCommand): Promise<void> {
  const { signal, stderr } = command.context
  const master = secureMasterOf(machine, await allMachines(command))
  if (master === undefined) return
  try {
    await ensureClientCertificate(master, command)
  } catch (error) {
    signal.throwIfAborted()
    stderr.write(
      `There is no certificate here for the cluster of "${master.name}" yet (${errorMessage(error)}): run \`machine regenerate-certs ${master.name}\`\n`,
    )
  }
}

/** The key is made here and stays here; the manager is asked for a token over SSH, on its own host. */
async function fetchClientCertificate(master: Machine, command: MachineCommand): Promise<void> {
  const { context, world } = command
  const { signal, env } = context
  const toMaster = await bareRequest(master, command)
  const asking = { signal, onEvent() {}, ...sudoPasswordOf(master, command) }
  const token = await world.hosts.createToken('client', toMaster, asking, portsFor(command))
  const user = (env['USER'] ?? '')
    .replace(/[^A-Za-z0-9-]/g, '')
    .replace(/^-+/, '')
    .slice(0, USER_CHARS_MAX)
  const asked = {
    name: `client-${user === '' ? '' : `${user}-`}${newShortId(context.random)}`,
    directory: clientFolderOf(master, command),
    managers: [managerOf(master)],
    token,
  }
  await world.clientCertificate(asked, context)
}

/** `machine regenerate-certs`: a new certificate of this person's for the clusters of machines. Members renew theirs by themselves. */
export async function runRegenerateCerts(command: MachineCommand): Promise<void> {
  const { context, options, store } = command
  const machines = await allMachines(command)
  const masters = new Set<Machine>()
  for (const name of await namesOf(command)) {
    const machine = await store.load(name)
    const master = machines.find(each => each.name === secureMasterOf(machine, machines)?.name)
    if (master === undefined) throw noCertificates(machine)
    masters.add(master)
  }
  for (const master of masters) {
    if (options.flag('dryRun')) {
      context.stdout.write(`Would fetch a certificate for the cluster of "${master.name}"\n`)
      continue
    }
    await fetchClientCertificate(master, command)
    context.stdout.write(`There is a new certificate for the cluster of "${master.name}"\n`)
  }
}

function noCertificates({ name, swarm }: Machine): Error {
  if (swarm === undefined) {
    return unsupported('NO_CERTIFICATES', `Machine "${name}" is in no cluster: its engine is reached over SSH`)
  }
  return invalidInput('NO_CERTIFICATES', `No machine here signs certificates for the cluster of "${name}"`)
}
