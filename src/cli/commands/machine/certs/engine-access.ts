import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage, unavailable } from '../../../../core/errors.ts'
import { type ClientFiles, driverOf, hasOwnTls, type Machine } from '../../../../machine/index.ts'
import { isIssuedBy, isKeyOf, readCertificate, renewAtMs } from '../../../../trust/index.ts'
import type { MachineCommand } from '../machine-command.ts'
import { CLIENT_FILES, readClientFiles } from './client-files.ts'
import { storeCerts } from './store-certs.ts'

type Looking = Pick<MachineCommand, 'store'>

/** Puts the person's certificate beside a machine's record. */
async function writeAccess(name: string, files: ClientFiles, { store }: Looking): Promise<void> {
  await store.writeFile(name, CLIENT_FILES.key, files.key)
  await store.writeFile(name, CLIENT_FILES.certificate, files.certificate)
  await store.writeFile(name, CLIENT_FILES.authority, files.authority)
}

/** The engine of a machine serves no more by itself. */
export async function removeAccess(name: string, { store }: Looking): Promise<void> {
  for (const file of Object.values(CLIENT_FILES)) await rm(join(store.folderOf(name), file), { force: true })
}

/**
 * Has the person be let in by an engine that serves now, and sees that it does; where its certificate `isLeft` to whoever handed the
 * machine on, by what they gave, if that was more than the record. Throws NO_ENGINE with what to do.
 */
export async function openAccess(machine: Machine, command: MachineCommand, isLeft: boolean): Promise<void> {
  const { context, store, world } = command
  const files = isLeft ? await readClientFiles(store.folderOf(machine.name)) : await storeCerts(command).client()
  if (files === undefined) return
  if (!isLeft) await writeAccess(machine.name, files, command)
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

/**
 * Replaces the person's certificate for a machine's engine where it has aged, or is not whole. While the one that is there holds, that may
 * fail.
 */
export async function refreshAccess(machine: Machine, command: MachineCommand): Promise<void> {
  if (!hasOwnTls(machine)) return
  const { name } = machine
  const { clock, signal, stderr } = command.context
  const known = await readClientFiles(command.store.folderOf(name))
  if (known === undefined || isGood(known, clock.nowMs())) return
  try {
    await replaceAccess(name, await storeCerts(command).client(), command)
  } catch (error) {
    signal.throwIfAborted()
    stderr.write(`Your certificate for "${name}" could not be renewed yet: ${errorMessage(error)}\n`)
  }
}

/** Has a machine that is reached by the person's certificate be so by another one, if its engine knows who signed that. */
export async function replaceAccess(
  name: string,
  files: ClientFiles,
  { context, store }: Looking & { readonly context: Pick<MachineCommand['context'], 'signal'> },
): Promise<void> {
  await store.exclusively(name, context.signal, async () => {
    // Whoever removed it meanwhile wants no key of it back.
    if (!(await store.has(name))) return
    const before = await readClientFiles(store.folderOf(name))
    if (before !== undefined && isIssuedBy(files.certificate, before.authority))
      await writeAccess(name, files, { store })
  })
}

/** Key and certificate are written one after the other, and whoever wrote them may have died in between. */
function isGood({ certificate, key }: ClientFiles, nowMs: number): boolean {
  try {
    return isKeyOf(certificate, key) && nowMs < renewAtMs(readCertificate(certificate))
  } catch {
    return false
  }
}
