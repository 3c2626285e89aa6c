import { readdir, readFile, writeFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { driverOf, hasOwnTls, type Machine, type Packed, packMachines } from '../../../../machine/index.ts'
import { notWritten } from '../../../output/file-error.ts'
import { type MachineCommand, namesOf } from '../machine-command.ts'
import { openRecord } from './open-record.ts'

/** What everybody may know of a machine. */
const OPEN_FILES = ['known_hosts', 'ca.pem']

/** `machine export`: machines as one file, for another person or another computer; with keys only when asked, and sealed then. */
export async function runExport(command: MachineCommand): Promise<void> {
  const { context, options, questions } = command
  const withKeys = options.flag('withKeys')
  const packed: Packed[] = []
  for (const name of await namesOf(command)) packed.push(await pack(name, withKeys, command))
  const passphrase = withKeys ? await questions.password('Passphrase to seal the keys with: ') : undefined
  const text = await packMachines(packed, passphrase === undefined ? undefined : { passphrase, random: context.random })
  for (const { machine } of packed) {
    for (const note of notHandedOn(machine, withKeys)) context.stderr.write(`${machine.name}: ${note}\n`)
  }
  const path = options.text('output')
  if (path === undefined || path === '-') return void context.stdout.write(text)
  try {
    await writeFile(resolve(context.cwd, path), text, { mode: 0o600 })
  } catch (cause) {
    throw notWritten(path, cause)
  }
}

async function pack(name: string, withKeys: boolean, { store }: MachineCommand): Promise<Packed> {
  const machine = await store.load(name)
  const folder = store.folderOf(name)
  const entries = await readdir(folder, { withFileTypes: true })
  const kept = entries.filter(
    entry => entry.isFile() && (OPEN_FILES.includes(entry.name) || (withKeys && /\.pem$|^id_/.test(entry.name))),
  )
  const files = await Promise.all(
    kept.map(async ({ name: file }): Promise<[string, Buffer]> => [file, await readFile(join(folder, file))]),
  )
  return { machine: withKeys ? machine : openRecord(machine), files: new Map(files) }
}

/** What whoever takes a machine over will miss, a sentence each. */
function notHandedOn(machine: Machine, withKeys: boolean): readonly string[] {
  const { ssh } = driverOf(machine.driver).whereabouts(machine)
  const notes: string[] = []
  if (hasOwnTls(machine) && !withKeys) {
    notes.push(
      'your certificate for its engine is not handed on: whoever takes it over reaches the engine over SSH; --with-keys hands it on',
    )
  }
  if (ssh?.keyPath !== undefined && isAbsolute(ssh.keyPath)) {
    notes.push(
      `the key ${ssh.keyPath} is not handed on: whoever takes it over names their own with \`machine create --until connect --generic-ssh-key FILE ${machine.name}\``,
    )
  }
  return notes
}
