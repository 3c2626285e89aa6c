import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, errorMessage } from '../../../../core/errors.ts'
import { driverOf, type Machine } from '../../../../machine/index.ts'
import { type CertificateFacts, readCertificate, renewAtMs } from '../../../../trust/index.ts'
import { sudoPasswordOf } from '../ask/sudo-password.ts'
import { userOf } from '../certs/store-certs.ts'
import type { MachineCommand } from '../machine-command.ts'
import { bareRequest, portsFor } from '../make/provision.ts'
import { askInTurn } from './ask-in-turn.ts'
import { allMachines, managerOf, managersOf, masterOf } from './masters.ts'

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

/** The key is made here and stays here; a manager is asked for a token over SSH, on its own host. */
export async function fetchClientCertificate(master: Machine, command: MachineCommand): Promise<void> {
  const { context, world } = command
  const { signal, env } = context
  const managers = managersOf(master, await allMachines(command))
  const token = await askInTurn(managers, signal, async manager => {
    const asking = { signal, onEvent() {}, ...sudoPasswordOf(manager, command) }
    return world.hosts.createToken('client', await bareRequest(manager, command), asking, portsFor(command))
  })
  const user = userOf(env)
  const asked = {
    person: user === '' ? 'client' : `client-${user}`,
    directory: clientFolderOf(master, command),
    managers: managers.map(managerOf),
    token,
  }
  await world.clientCertificate(asked, context)
}
