import { isIP } from 'node:net'
import { invalidInput } from '../../../../core/errors.ts'
import {
  type Driver,
  driverOf,
  type EngineSettings,
  MANAGER_LISTEN,
  type Machine,
  PLAIN_ENGINE,
  parseHost,
  readSettings,
  type Settings,
  type SwarmSettings,
  type WrittenFlags,
} from '../../../../machine/index.ts'
import type { Environment, Options } from '../../../command.ts'

const DEFAULT_DRIVER = 'generic'
const STRATEGIES = ['spread', 'binpack', 'random']

/** What a person wrote of a machine: on the command line of `create`, or in a file of `apply`. */
export interface Wanted {
  readonly name: string
  readonly written: WrittenFlags
}

/** Flags of the command line and the environment as drivers read them. */
export function writtenFlags(options: Options, env: Environment): WrittenFlags {
  return {
    text: flag => options.text(camel(flag)),
    list: flag => options.list(camel(flag)),
    isSet: flag => options.flag(camel(flag)),
    env: name => env[name],
  }
}

/**
 * The machine that is wanted. Of one that exists already, what is not written stays as it was, so that creating it once more only
 * changes what is said. Throws BAD_FLAG, NO_SUCH_DRIVER, or OTHER_DRIVER.
 */
export function readMachine({ name, written }: Wanted, existing: Machine | undefined, nowMs: number): Machine {
  const chosen = written.text('driver') ?? (existing?.driver || written.env('MACHINE_DRIVER') || DEFAULT_DRIVER)
  const driver = driverOf(chosen)
  if (existing !== undefined && existing.driver !== driver.name) {
    throw invalidInput(
      'OTHER_DRIVER',
      `Docker machine "${name}" already exists, with the driver "${existing.driver}": remove it first, or choose another name`,
    )
  }
  const settings = readDriverSettings(driver, withHost(written), existing?.settings)
  driver.check(settings)
  const engine = readEngine(written, existing?.engine)
  const swarm = readSwarm(written, existing?.swarm)
  const access = readAccess(written, existing, { driver: driver.name, engine, isAlone: swarm === undefined })
  return {
    name,
    driver: driver.name,
    settings,
    engine,
    certificateNames: readCertificateNames(written, existing?.certificateNames),
    createdAtMs: existing?.createdAtMs ?? nowMs,
    ...(swarm === undefined ? {} : { swarm }),
    ...access,
    ...(existing?.made === undefined ? {} : { made: existing.made }),
  }
}

/**
 * How an engine of no cluster is reached. A new one of ours serves with certificates, as docker's command line needs a `docker` on the host
 * to go over SSH; a Docker that is there already would have to be restarted for it, and is left as it is. Throws BAD_FLAG.
 */
function readAccess(
  written: WrittenFlags,
  existing: Machine | undefined,
  { driver, engine, isAlone }: { readonly driver: string; readonly engine: EngineSettings; readonly isAlone: boolean },
): Pick<Machine, 'access'> {
  const asked = written.text('access')
  if (asked !== undefined && asked !== 'tls' && asked !== 'ssh') {
    throw invalidInput('BAD_FLAG', `invalid argument "${asked}" for --access: expected tls or ssh`)
  }
  if (!isAlone || driver === 'none') {
    if (asked === undefined) return {}
    const why = isAlone
      ? 'of an engine of which only the URL is known it is not our choice'
      : 'members of a cluster are reached by way of it'
    throw invalidInput('BAD_FLAG', `--access ${asked} cannot be: ${why}`)
  }
  if (engine.kind === 'docker') {
    if (asked !== 'tls') return {}
    throw invalidInput(
      'BAD_FLAG',
      '--access tls cannot be with --engine docker: the Docker that is there is not started anew; it is reached over SSH',
    )
  }
  const before = existing?.swarm === undefined ? existing : undefined
  const kept = before === undefined || before.access === 'tls'
  return (asked === undefined ? kept : asked === 'tls') ? { access: 'tls' } : {}
}

/** Throws BAD_FLAG for what can be in no certificate. */
function readCertificateNames(written: WrittenFlags, before: readonly string[] | undefined): readonly string[] {
  const names = listOr(written, 'tls-san', before)
  const odd = names.find(name => isIP(name) === 0 && !/^(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(name))
  if (odd === undefined) return names
  throw invalidInput('BAD_FLAG', `invalid argument "${odd}" for --tls-san: expected a host name or an address`)
}

/** What was set before takes the place of the environment and of what is preset. */
function readDriverSettings(driver: Driver, written: WrittenFlags, before: Settings | undefined): Settings {
  if (before === undefined) return readSettings(driver.flags, written)
  const isWritten = (flag: string): boolean =>
    written.isSet(flag) || written.text(flag) !== undefined || written.list(flag).length > 0
  const changed = readSettings(
    driver.flags.filter(({ name }) => isWritten(name)),
    written,
  )
  return { ...before, ...changed }
}

/** `--host user@host:port` as the flags that it stands for; those that are written themselves win. */
function withHost(written: WrittenFlags): WrittenFlags {
  const destination = written.text('host')
  if (destination === undefined) return written
  const { host, port, user } = readHost(destination)
  const said: Readonly<Record<string, string | undefined>> = {
    'generic-ip-address': host,
    'generic-ssh-user': user,
    'generic-ssh-port': port === undefined ? undefined : String(port),
  }
  return { ...written, text: flag => written.text(flag) ?? said[flag] }
}

/** Throws BAD_FLAG. */
function readHost(destination: string): ReturnType<typeof parseHost> {
  try {
    return parseHost(destination)
  } catch {
    throw invalidInput('BAD_FLAG', `invalid argument "${destination}" for --host: expected [user@]host[:port]`)
  }
}

function readEngine(written: WrittenFlags, before: EngineSettings = PLAIN_ENGINE): EngineSettings {
  const kind = written.text('engine') ?? before.kind
  if (kind !== 'shoal' && kind !== 'docker') {
    throw invalidInput('BAD_FLAG', `invalid argument "${kind}" for --engine: expected shoal or docker`)
  }
  const labels = written.list('engine-label').map(readLabel)
  const mirror = written.env('ENGINE_REGISTRY_MIRROR')
  const mirrors = before.registryMirrors.length === 0 && mirror ? [mirror] : before.registryMirrors
  const storageDriver = written.text('engine-storage-driver') ?? before.storageDriver
  return {
    kind,
    labels: labels.length === 0 ? before.labels : Object.fromEntries(labels),
    options: listOr(written, 'engine-opt', before.options),
    environment: listOr(written, 'engine-env', before.environment),
    insecureRegistries: listOr(written, 'engine-insecure-registry', before.insecureRegistries),
    registryMirrors: listOr(written, 'engine-registry-mirror', mirrors),
    ...(storageDriver === undefined ? {} : { storageDriver }),
  }
}

function readLabel(label: string): readonly [string, string] {
  const equals = label.indexOf('=')
  if (equals >= 1) return [label.slice(0, equals), label.slice(equals + 1)]
  throw invalidInput('BAD_FLAG', `invalid argument "${label}" for --engine-label: expected key=value`)
}

/** What is absent for a machine of no cluster. */
const NO_PART: SwarmSettings = {
  discovery: '',
  master: false,
  agent: false,
  host: MANAGER_LISTEN,
  strategy: 'spread',
  options: [],
  joinOptions: [],
}

/** Undefined: it is in no cluster. Throws BAD_FLAG for flags of a cluster without --swarm or --swarm-master. */
function readSwarm(written: WrittenFlags, existing: SwarmSettings | undefined): SwarmSettings | undefined {
  const [agent, master] = [written.isSet('swarm'), written.isSet('swarm-master')]
  if (!agent && !master && existing === undefined) {
    const lonely = ['swarm-discovery', 'swarm-strategy', 'swarm-host'].find(flag => written.text(flag) !== undefined)
    if (lonely === undefined) return undefined
    throw invalidInput('BAD_FLAG', `--${lonely} is of a cluster: add --swarm, --swarm-master, or both`)
  }
  const before = existing ?? NO_PART
  const isInsecure = written.isSet('insecure') || before.insecure === true
  return {
    discovery: readDiscovery(written.text('swarm-discovery') ?? before.discovery),
    master: master || before.master,
    agent: agent || before.agent,
    host: written.text('swarm-host') ?? before.host,
    strategy: readStrategy(written.text('swarm-strategy') ?? before.strategy),
    options: listOr(written, 'swarm-opt', before.options),
    joinOptions: listOr(written, 'swarm-join-opt', before.joinOptions),
    ...(isInsecure ? { insecure: true } : {}),
  }
}

function readDiscovery(text: string): string {
  if (text === '' || /^[a-z][a-z0-9+.-]*:\/\/./.test(text)) return text
  throw invalidInput(
    'BAD_FLAG',
    `invalid argument "${text}" for --swarm-discovery: expected a URL such as etcd://10.0.0.1:2379`,
  )
}

function readStrategy(text: string): string {
  if (STRATEGIES.includes(text)) return text
  const known = STRATEGIES.join(', ')
  throw invalidInput('BAD_FLAG', `invalid argument "${text}" for --swarm-strategy: expected ${known}`)
}

function listOr(written: WrittenFlags, flag: string, before: readonly string[] = []): readonly string[] {
  const list = written.list(flag)
  return list.length > 0 ? list : before
}

function camel(flag: string): string {
  return flag.replaceAll(/-([a-z0-9])/g, (_dash, letter: string) => letter.toUpperCase())
}
