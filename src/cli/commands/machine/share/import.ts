import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { conflict, EXIT_CODES, errorCode, errorMessage, failed, invalidInput } from '../../../../core/errors.ts'
import {
  checkMachineName,
  type Machine,
  type Packed,
  readDockerMachine,
  TAKEN_KEY,
  unpackMachines,
} from '../../../../machine/index.ts'
import { whyNot } from '../../../output/file-error.ts'
import type { MachineCommand } from '../machine-command.ts'
import { isSameMachine, isSameRecord } from './open-record.ts'

const CERTIFICATES = ['ca.pem', 'cert.pem', 'key.pem']
/** docker-machine's names of them, which are ours. */
const AUTHORITY = ['ca.pem', 'ca-key.pem', 'cert.pem', 'key.pem']

/**
 * `machine import`: takes machines over from docker-machine's store (a folder), or from a file of `machine export`. Of those that are here
 * already, the same are left as they are, and others only replaced with --force.
 */
export async function runImport(command: MachineCommand): Promise<number> {
  const { args, context, options } = command
  const [source = join(context.env['HOME'] ?? '/root', '.docker/machine')] = args
  const packed = await readSource(source, command)
  if (packed.length === 0) throw invalidInput('NOTHING_THERE', `There are no machines in ${source}`)
  let code: number = EXIT_CODES.done
  for (const each of packed) {
    try {
      if (!(await take(each, command))) {
        context.stderr.write(`Machine "${each.machine.name}" is here already, the same: nothing was changed\n`)
        continue
      }
      context.stdout.write(`${options.flag('dryRun') ? 'Would import ' : ''}${each.machine.name}\n`)
    } catch (error) {
      context.signal.throwIfAborted()
      context.stderr.write(`${errorMessage(error)}\n`)
      code = EXIT_CODES.failed
    }
  }
  if (!options.flag('dryRun')) await takeAuthority(resolve(context.cwd, source, 'certs'), command)
  return code
}

async function readSource(source: string, command: MachineCommand): Promise<readonly Packed[]> {
  const { context, questions } = command
  const path = resolve(context.cwd, source)
  if (await isFolder(path)) return readStore(path, command)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw failed('NOT_READ', `Cannot read ${path}: ${whyNot(cause)}`)
  })
  return unpackMachines(text, source, () => questions.password('Passphrase of the file: '))
}

/** Whether it was not here yet as it is brought. Throws NAME_TAKEN for another machine of that name. */
async function take(packed: Packed, command: MachineCommand): Promise<boolean> {
  const { context, options, store } = command
  const { machine, files } = packed
  const { name } = machine
  checkMachineName(name)
  return store.exclusively(name, context.signal, async () => {
    const isTaken = await store.has(name)
    // One that cannot be read is another.
    const here = isTaken ? await store.load(name).catch(() => undefined) : undefined
    if (here !== undefined && (await isAsBrought(here, packed, command))) return false
    if (isTaken && !options.flag('force')) {
      throw conflict(
        'NAME_TAKEN',
        `Another machine "${name}" is here already and was left as it is: \`machine rename ${name} OTHER\` makes room, or --force has this one take its place`,
      )
    }
    const isReplaced = isTaken && (here === undefined || !isSameMachine(machine, here))
    if (isReplaced && here?.made !== undefined) {
      throw conflict(
        'NAME_TAKEN',
        `What the driver of "${name}" made would be left without a record: \`machine rm ${name}\` removes it, \`machine rename ${name} OTHER\` keeps it`,
      )
    }
    if (options.flag('dryRun')) return true
    // Secrets and certificates of another, and what was done to its host, are not of this one.
    if (isReplaced) await store.remove(name)
    for (const [file, content] of files) await store.writeFile(name, file, content)
    // Last: a machine that is there has all that belongs to it.
    await store.save(machine)
    return true
  })
}

/** Whether the machine that is here has the record and the files that are brought. */
async function isAsBrought(here: Machine, { machine, files }: Packed, { store }: MachineCommand): Promise<boolean> {
  if (!isSameRecord(machine, here)) return false
  for (const [file, content] of files) {
    const ours = await readFile(join(store.folderOf(machine.name), file)).catch(() => undefined)
    if (ours?.equals(content) !== true) return false
  }
  return true
}

/** What docker-machine's store signs with, so that whoever it lets in is let in by new machines too; one that is here stays. */
async function takeAuthority(theirs: string, { context, store, world }: MachineCommand): Promise<void> {
  await store.withCertificates(context.signal, async () => {
    const ours = join(store.root, 'certs')
    const read = (folder: string) => (name: string) => readFile(join(folder, name)).catch(() => undefined)
    const [authority, key, cert, clientKey] = await Promise.all(AUTHORITY.map(read(theirs)))
    const own = { 'key.pem': clientKey, 'cert.pem': cert }
    if (authority === undefined || key === undefined) return
    const there = (await Promise.all(AUTHORITY.map(read(ours)))).some(content => content !== undefined)
    if (there) {
      return void context.stderr.write('The authority of its certificates was left there: there is one here already\n')
    }
    await mkdir(ours, { recursive: true, mode: 0o700 })
    // The authority last: without it the rest is as good as not there.
    for (const [name, content] of Object.entries({ ...own, 'ca-key.pem': key, 'ca.pem': authority })) {
      if (content !== undefined) await world.files.writeDurably(join(ours, name), content, 0o600)
    }
  })
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    throw failed('NOT_READ', `Cannot read ${path}: ${whyNot(cause)}`)
  }
}

/** All machines of a store of docker-machine; of those that cannot be read it is told why. */
async function readStore(root: string, { context }: MachineCommand): Promise<readonly Packed[]> {
  const folder = join(root, 'machines')
  const names = await readdir(folder).catch(() => [])
  const packed: Packed[] = []
  for (const name of names) {
    const path = join(folder, name, 'config.json')
    try {
      const { machine, keyFile, notes } = readDockerMachine(await readFile(path, 'utf8'), path, context.clock.nowMs())
      for (const note of notes) context.stderr.write(`${machine.name}: ${note}\n`)
      packed.push({ machine, files: await filesOf(join(folder, name), keyFile) })
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') context.stderr.write(`${errorMessage(error)}\n`)
    }
  }
  return packed
}

async function filesOf(folder: string, keyFile: string | undefined): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const name of CERTIFICATES) {
    const content = await readFile(join(folder, name)).catch(() => undefined)
    if (content !== undefined) files.set(name, content)
  }
  if (keyFile === undefined) return files
  // Its store may have been moved: a key that is not where the record says lies beside the record.
  const places = [isAbsolute(keyFile) ? keyFile : join(folder, keyFile), join(folder, basename(keyFile))]
  for (const place of places) {
    const content = await readFile(place).catch(() => undefined)
    if (content === undefined) continue
    files.set(TAKEN_KEY, content)
    break
  }
  return files
}
