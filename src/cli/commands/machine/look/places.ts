import { conflict, invalidInput } from '../../../../core/errors.ts'
import type { ClientTls } from '../../../../docker-api/index.ts'
import {
  driverOf,
  ENGINE_SOCKET,
  hasEngine,
  type Machine,
  managerUrl,
  type SshTarget,
} from '../../../../machine/index.ts'
import { readClientFiles } from '../certs/client-files.ts'
import { clientFolderOf, ensureClientCertificate, secureMasterOf } from '../cluster/client-certificate.ts'
import { allMachines, masterOf } from '../cluster/masters.ts'
import type { MachineCommand } from '../machine-command.ts'

const SSH_PORT = 22

/** Where an engine or a manager is spoken to from here. */
export interface Place {
  readonly url: string
  /** The folder of what is shown there: ca.pem, cert.pem, key.pem. Absent: nothing is. */
  readonly certificates?: string
}

/**
 * Where the engine of a machine answers us: over SSH, unless it has a port for everybody, or one that certificates in the machine's own
 * folder are for, which came there once it served with its own. Engines of a cluster with certificates let in its managers, and not persons.
 */
export async function engineOf(machine: Machine, { store }: Pick<MachineCommand, 'store'>): Promise<Place> {
  if (!hasEngine(machine)) {
    throw conflict(
      'NO_ENGINE',
      `Machine "${machine.name}" runs a manager and no engine: \`machine env --swarm ${machine.name}\` leads to its manager`,
    )
  }
  const { url, ssh } = driverOf(machine.driver).whereabouts(machine)
  const folder = store.folderOf(machine.name)
  if ((await readCertificates(folder)) !== undefined) return { url, certificates: folder }
  if (ssh === undefined || machine.swarm?.insecure === true) return { url }
  // An address without a socket is the cluster's where a manager runs, and leads docker to the socket of Docker, which may run there too.
  return { url: machine.engine.kind === 'docker' ? sshUrl(ssh) : `${sshUrl(ssh)}${ENGINE_SOCKET}` }
}

/** Where the manager on a machine answers; the certificate that it wants is fetched if there is none. Throws NOT_A_MASTER. */
export async function managerPlaceOf(machine: Machine, command: MachineCommand): Promise<Place> {
  const url = managerUrlOf(machine)
  if (url === undefined) {
    const keeper = masterOf(machine, await allMachines(command))
    const which = keeper === undefined ? 'one that does' : `"${keeper.name}", which runs that of its cluster`
    throw invalidInput('NOT_A_MASTER', `Machine "${machine.name}" runs no manager: name ${which}, or leave --swarm out`)
  }
  const folder = command.store.folderOf(machine.name)
  if ((await readCertificates(folder)) !== undefined) return { url, certificates: folder }
  const master = secureMasterOf(machine, await allMachines(command))
  if (master === undefined) return { url }
  await ensureClientCertificate(master, command)
  return { url, certificates: clientFolderOf(master, command) }
}

/** Undefined: it runs none. */
export function managerUrlOf(machine: Machine): string | undefined {
  const { driver, swarm } = machine
  return swarm?.master === true ? managerUrl(driverOf(driver).whereabouts(machine).url, swarm.host) : undefined
}

/** What a server is asked with; undefined: there are no certificates in the folder. Throws STORE_READ. */
export async function readCertificates(folder: string): Promise<ClientTls | undefined> {
  const files = await readClientFiles(folder)
  if (files === undefined) return undefined
  return { ca: files.authority, cert: files.certificate, key: files.key, verify: true }
}

function sshUrl({ host, port, user }: SshTarget): string {
  const name = host.includes(':') ? `[${host}]` : host
  return `ssh://${encodeURIComponent(user)}@${name}${port === SSH_PORT ? '' : `:${port}`}`
}
