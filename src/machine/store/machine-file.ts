import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { errorMessage, failed, unsupported } from '../../core/errors.ts'
import type { Machine, Settings } from '../model/machine.ts'

/** Version of the records this program writes. */
export const MACHINE_FILE_VERSION = 1

const TEXTS = Type.Array(Type.String())
const SETTINGS = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), TEXTS]))
const MACHINE = Type.Object({
  version: Type.Literal(MACHINE_FILE_VERSION),
  name: Type.String({ minLength: 1 }),
  id: Type.Optional(Type.String({ minLength: 1 })),
  driver: Type.String({ minLength: 1 }),
  settings: SETTINGS,
  made: Type.Optional(SETTINGS),
  engine: Type.Object({
    kind: Type.Union([Type.Literal('shoal'), Type.Literal('docker')]),
    labels: Type.Record(Type.String(), Type.String()),
    options: TEXTS,
    environment: TEXTS,
    insecureRegistries: TEXTS,
    registryMirrors: TEXTS,
    storageDriver: Type.Optional(Type.String()),
  }),
  swarm: Type.Optional(
    Type.Object({
      discovery: Type.String(),
      master: Type.Boolean(),
      agent: Type.Boolean(),
      host: Type.String(),
      strategy: Type.String(),
      options: TEXTS,
      joinOptions: TEXTS,
      insecure: Type.Optional(Type.Boolean()),
    }),
  ),
  access: Type.Optional(Type.Literal('tls')),
  certificateNames: TEXTS,
  createdAtMs: Type.Number(),
})

const MACHINE_CHECK = Compile(MACHINE)
const SETTINGS_CHECK = Compile(SETTINGS)

/** Reads the text of a machine's file, of this version or an older one. Throws BAD_MACHINE_FILE naming the file. */
export function parseMachine(text: string, path: string): Machine {
  const unreadable = (why: string): Error => unreadableFile(path, why)
  const record = parseJson(text, unreadable)
  const version = versionOf(record)
  if (version === undefined) throw unreadable('it has no version')
  if (version > MACHINE_FILE_VERSION) {
    throw unsupported(
      'NEWER_MACHINE_FILE',
      `${path} was written by a newer machine (version ${version} of the file, and this one knows ${MACHINE_FILE_VERSION}): use that one`,
    )
  }
  if (!MACHINE_CHECK.Check(record)) {
    const [first] = MACHINE_CHECK.Errors(record)
    const where = first?.instancePath.slice(1).replaceAll('/', '.') || 'the record'
    throw unreadable(`${where} ${first?.message ?? 'is wrong'}`)
  }
  const { version: _written, ...machine } = record
  return machine
}

export function formatMachine(machine: Machine): string {
  return `${JSON.stringify({ version: MACHINE_FILE_VERSION, ...machine }, undefined, 2)}\n`
}

/** Reads the text of a machine's file of secrets. Throws BAD_MACHINE_FILE naming the file, and nothing of what is in it. */
export function parseSecrets(text: string, path: string): Settings {
  // What the parser says quotes the text.
  const record = parseJson(text, () => unreadableFile(path, 'it is no JSON'))
  if (!SETTINGS_CHECK.Check(record)) throw unreadableFile(path, 'it does not hold settings')
  return record
}

export function formatSecrets(secrets: Settings): string {
  return `${JSON.stringify(secrets, undefined, 2)}\n`
}

function parseJson(text: string, unreadable: (why: string) => Error): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreadable(errorMessage(cause))
  }
}

function unreadableFile(path: string, why: string): Error {
  return failed('BAD_MACHINE_FILE', `Cannot read ${path}: ${why}. Mend it, or remove its folder to forget the machine`)
}

function versionOf(record: unknown): number | undefined {
  if (typeof record !== 'object' || record === null || !('version' in record)) return undefined
  return Number.isInteger(record.version) ? Number(record.version) : undefined
}
