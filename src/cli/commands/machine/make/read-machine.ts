import { invalidInput } from '../../../../core/errors.ts'
import {
  type Driver,
  driverOf,
  type EngineSettings,
  type Machine,
  parseHost,
  readSettings,
  type Settings,
  type SwarmSettings,
  type WrittenFlags,
} from '../../../../machine/index.ts'
import type { Environment, Options } from '../../../command.ts'

const DEFAULT_DRIVER = 'generic'
const MANAGER_HOST = 'tcp://0.0.0.0:3376'
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
  return {
    name,
    driver: driver.name,
    settings,
    engine,
    certificateNames: listOr(written, 'tls-san', existing?.certificateNames),
    createdAtMs: existing?.createdAtMs ?? nowMs,
    ...(swarm === undefined ? {} : { swarm }),
    ...(existing?.made === undefined ? {} : { made: existing.made }),
  }
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
  const { host, port, user } = parseHost(destination)
  const said: Readonly<Record<string, string | undefined>> = {
    'generic-ip-address': host,
    'generic-ssh-user': user,
    'generic-ssh-port': port === undefined ? undefined : String(port),
  }
  return { ...written, text: flag => written.text(flag) ?? said[flag] }
}

function readEngine(written: WrittenFlags, before: EngineSettings | undefined): EngineSettings {
  const kind = written.text('engine') ?? before?.kind ?? 'shoal'
  if (kind !== 'shoal' && kind !== 'docker') {
    throw invalidInput('BAD_FLAG', `invalid argument "${kind}" for --engine: expected shoal or docker`)
  }
  const labels = written.list('engine-label').map(label => {
    const equals = label.indexOf('=')
    if (equals < 1) throw invalidInput('BAD_FLAG', `invalid argument "${label}" for --engine-label: expected key=value`)
    return [label.slice(0, equals), label.slice(equals + 1)] as const
  })
  const mirrors = written.list('engine-registry-mirror')
  const fromEnv = written.env('ENGINE_REGISTRY_MIRROR')
  const storageDriver = written.text('engine-storage-driver') ?? before?.storageDriver
  return {
    kind,
    labels: labels.length === 0 ? (before?.labels ?? {}) : Object.fromEntries(labels),
    options: listOr(written, 'engine-opt', before?.options),
    environment: listOr(written, 'engine-env', before?.environment),
    insecureRegistries: listOr(written, 'engine-insecure-registry', before?.insecureRegistries),
    registryMirrors: mirrors.length > 0 ? mirrors : (before?.registryMirrors ?? (fromEnv ? [fromEnv] : [])),
    ...(storageDriver === undefined ? {} : { storageDriver }),
  }
}

/** Undefined: it is in no cluster. Throws BAD_FLAG for flags of a cluster without --swarm or --swarm-master. */
function readSwarm(written: WrittenFlags, before: SwarmSettings | undefined): SwarmSettings | undefined {
  const [agent, master] = [written.isSet('swarm'), written.isSet('swarm-master')]
  if (!agent && !master && before === undefined) {
    const lonely = ['swarm-discovery', 'swarm-strategy', 'swarm-host'].find(flag => written.text(flag) !== undefined)
    if (lonely === undefined) return undefined
    throw invalidInput('BAD_FLAG', `--${lonely} is of a cluster: add --swarm, --swarm-master, or both`)
  }
  const discovery = written.text('swarm-discovery') ?? before?.discovery ?? ''
  if (discovery !== '' && !/^[a-z][a-z0-9+.-]*:\/\/./.test(discovery)) {
    throw invalidInput(
      'BAD_FLAG',
      `invalid argument "${discovery}" for --swarm-discovery: expected a URL such as etcd://10.0.0.1:2379`,
    )
  }
  if (discovery === '' && !master && before?.master !== true) {
    throw invalidInput('BAD_FLAG', '--swarm needs --swarm-discovery: the URL of the cluster to join')
  }
  const strategy = written.text('swarm-strategy') ?? before?.strategy ?? 'spread'
  if (!STRATEGIES.includes(strategy)) {
    throw invalidInput(
      'BAD_FLAG',
      `invalid argument "${strategy}" for --swarm-strategy: expected ${STRATEGIES.join(', ')}`,
    )
  }
  return {
    discovery,
    master: master || before?.master === true,
    agent: agent || before?.agent === true,
    host: written.text('swarm-host') ?? before?.host ?? MANAGER_HOST,
    strategy,
    options: listOr(written, 'swarm-opt', before?.options),
    joinOptions: listOr(written, 'swarm-join-opt', before?.joinOptions),
  }
}

function listOr(written: WrittenFlags, flag: string, before: readonly string[] = []): readonly string[] {
  const list = written.list(flag)
  return list.length > 0 ? list : before
}

function camel(flag: string): string {
  return flag.replaceAll(/-([a-z0-9])/g, (_dash, letter: string) => letter.toUpperCase())
}
