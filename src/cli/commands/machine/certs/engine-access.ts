import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage, unavailable } from '../../../../core/errors.ts'
import { type ClientFiles, driverOf, hasOwnTls, type Machine } from '../../../../machine/index.ts'
import { isIssuedBy, readCertificate, renewAtMs } from '../../../../trust/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import { storeCerts } from './store-certs.ts'

/** What is shown to the engine of a machine, in the machine's folder as docker-machine has it: $DOCKER_CERT_PATH points there. */
const COPIES = { authority: 'ca.pem', certificate: 'cert.pem', key: 'key.pem' } as const

type Looking = Pick<MachineCommand, 'store'>

/** What is shown to the engine of a machine; undefined: something of it is missing. */
export async function readAccess(name: string, { store }: Looking): Promise<ClientFiles | undefined> {
  const read = (file: string): Promise<string | undefined> =>
    readFile(join(store.folderOf(name), file), 'utf8').catch(() => undefined)
  const [authority, certificate, key] = await Promise.all(Object.values(COPIES).map(read))
  if (authority === undefined || certificate === undefined || key === undefined) return undefined
  return { authority, certificate, key }
}

/** Puts the person's certificate beside a machine's record. */
export async function writeAccess(name: string, files: ClientFiles, { store }: Looking): Promise<void> {
  await store.writeFile(name, COPIES.key, files.key)
  await store.writeFile(name, COPIES.certificate, files.certificate)
  await store.writeFile(name, COPIES.authority, files.authority)
}

/** The engine of a machine serves no more by itself. */
export async function removeAccess(name: string, { store }: Looking): Promise<void> {
  for (const file of Object.values(COPIES)) await rm(join(store.folderOf(name), file), { force: true })
}

/** Has the person be let in by an engine that serves now, and sees that it does. Throws NO_ENGINE with what to do. */
export async function openAccess(machine: Machine, command: MachineCommand): Promise<void> {
  const { context, world } = command
  const files = await storeCerts(command).client()
  await writeAccess(machine.name, files, command)
  const { url } = driverOf(machine.driver).whereabouts(machine)
  const { authority: ca, certificate: cert, key } = files
  try {
    await world.askEngine(url, { ca, cert, key, verify: true }, context)
  } catch (cause) {
    context.signal.throwIfAborted()
    throw unavailable(
      'NO_ENGINE',
      `Its engine runs, and cannot be reached at ${url} (${errorMessage(cause)}): let that port in there, or run \`machine create --access ssh ${machine.name}\` to reach it over SSH`,
      { cause },
    )
  }
}

/** Replaces the person's certificate for a machine's engine where it has aged. While the one that is there holds, that may fail. */
export async function refreshAccess(machine: Machine, command: MachineCommand): Promise<void> {
  if (!hasOwnTls(machine)) return
  const { clock, signal, stderr } = command.context
  const known = await readAccess(machine.name, command)
  if (known === undefined || clock.nowMs() < renewAtMs(readCertificate(known.certificate))) return
  try {
    const files = await storeCerts(command).client()
    // Engines of another authority know nothing of the person's certificate.
    if (isIssuedBy(files.certificate, known.authority)) await writeAccess(machine.name, files, command)
  } catch (error) {
    signal.throwIfAborted()
    stderr.write(`Your certificate for "${machine.name}" could not be renewed yet: ${errorMessage(error)}\n`)
  }
}
