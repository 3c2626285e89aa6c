import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { errorMessage, failed, unsupported } from '../../core/errors.ts'
import { ENGINE_PORT } from '../model/cluster-ports.ts'
import type { EngineSettings, Machine, Settings } from '../model/machine.ts'

/** The newest version of docker-machine's records. */
const VERSION_MAX = 3
const TEXTS = Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()]))
const RECORD = Type.Object({
  ConfigVersion: Type.Number(),
  Name: Type.String({ minLength: 1 }),
  DriverName: Type.String({ minLength: 1 }),
  Driver: Type.Object({
    IPAddress: Type.Optional(Type.String()),
    SSHUser: Type.Optional(Type.String()),
    SSHPort: Type.Optional(Type.Number()),
    SSHKey: Type.Optional(Type.String()),
    SSHKeyPath: Type.Optional(Type.String()),
    EnginePort: Type.Optional(Type.Number()),
    URL: Type.Optional(Type.String()),
  }),
  HostOptions: Type.Object({
    EngineOptions: Type.Object({
      ArbitraryFlags: TEXTS,
      Env: TEXTS,
      InsecureRegistry: TEXTS,
      Labels: TEXTS,
      RegistryMirror: TEXTS,
      StorageDriver: Type.Optional(Type.String()),
    }),
    AuthOptions: Type.Optional(Type.Object({ ServerCertSANs: TEXTS })),
  }),
})
const CHECK = Compile(RECORD)

/** A machine of docker-machine as one of ours. */
export interface TakenOver {
  readonly machine: Machine
  /** Its private key in its folder there; absent: what ssh's configuration and the agent offer. */
  readonly keyFile?: string
  /** What is not as it was. */
  readonly notes: readonly string[]
}

/** How a key is called in our store. */
export const TAKEN_KEY = 'id_taken_over'

/**
 * Reads docker-machine's `config.json`. A machine that one of its drivers made becomes a host that is reached over SSH: it can be
 * used and provisioned, but not turned on and off. Its Docker stays. Throws BAD_MACHINE_FILE or NEWER_MACHINE_FILE naming the file.
 */
export function readDockerMachine(text: string, path: string, nowMs: number): TakenOver {
  const record = parse(text, path)
  const { Name: name, DriverName: made, Driver: driver, HostOptions: options } = record
  const shared = {
    name,
    engine: engineOf(options.EngineOptions),
    certificateNames: options.AuthOptions?.ServerCertSANs ?? [],
    createdAtMs: nowMs,
  }
  if (made === 'none') return { machine: { ...shared, driver: 'none', settings: { url: driver.URL ?? '' } }, notes: [] }
  const keyFile = driver.SSHKeyPath || driver.SSHKey || undefined
  const isForeign = made !== 'generic'
  return {
    machine: { ...shared, driver: 'generic', settings: settingsOf(driver, keyFile !== undefined) },
    ...(keyFile === undefined ? {} : { keyFile }),
    notes: isForeign
      ? [`the driver "${made}" is not known: it can be reached, but not started, stopped or deleted`]
      : [],
  }
}

type Written = Type.Static<typeof RECORD>

function settingsOf(driver: Written['Driver'], hasKey: boolean): Settings {
  return {
    'generic-ip-address': driver.IPAddress ?? '',
    'generic-ssh-user': driver.SSHUser || 'root',
    'generic-ssh-port': driver.SSHPort || 22,
    'generic-engine-port': driver.EnginePort || ENGINE_PORT,
    ...(hasKey ? { 'generic-ssh-key': TAKEN_KEY } : {}),
  }
}

function engineOf(engine: Written['HostOptions']['EngineOptions']): EngineSettings {
  return {
    kind: 'docker',
    options: engine.ArbitraryFlags ?? [],
    environment: engine.Env ?? [],
    insecureRegistries: engine.InsecureRegistry ?? [],
    registryMirrors: engine.RegistryMirror ?? [],
    labels: Object.fromEntries((engine.Labels ?? []).map(labelOf)),
    ...(engine.StorageDriver ? { storageDriver: engine.StorageDriver } : {}),
  }
}

function parse(text: string, path: string): Written {
  const unreadable = (why: string): Error => failed('BAD_MACHINE_FILE', `Cannot read ${path}: ${why}`)
  let record: unknown
  try {
    record = JSON.parse(text)
  } catch (cause) {
    throw unreadable(errorMessage(cause))
  }
  if (!CHECK.Check(record)) {
    const [first] = CHECK.Errors(record)
    throw unreadable(
      `${first?.instancePath.slice(1).replaceAll('/', '.') || 'the record'} ${first?.message ?? 'is wrong'}`,
    )
  }
  if (record.ConfigVersion === VERSION_MAX) return record
  throw unsupported(
    'NEWER_MACHINE_FILE',
    `${path} has version ${record.ConfigVersion}, and only ${VERSION_MAX} is known: have docker-machine itself bring it there with \`docker-machine ls\``,
  )
}

function labelOf(label: string): readonly [string, string] {
  const equals = label.indexOf('=')
  return equals < 0 ? [label, ''] : [label.slice(0, equals), label.slice(equals + 1)]
}
