import { join } from 'node:path'
import { badFlag, type OptionDefinition, type Options } from '../cli/index.ts'
import { parseCidr } from '../core/cidr.ts'
import type { EngineOptions } from '../runtime/index.ts'
import { readTlsFlags, TLS_FLAGS, type TlsFiles } from './tls-flags.ts'
import { VERSION } from './version.ts'

const DATA_ROOT = '/var/lib/shoal'
const EXEC_ROOT = '/run/shoal'
const MTU_MIN = 68
const MTU_MAX = 65_535

/** The flags of an engine: dockerd's, where the meaning is the same. `shoal engine` and `swarm join` both take them. */
export const ENGINE_FLAGS: readonly OptionDefinition[] = [
  { flags: '--name <name>', summary: "the engine's name (default: the host's)" },
  {
    flags: '-H, --host <url>',
    summary: 'serve the Docker Engine API here: unix:///path or tcp://host:port (default: a socket in --exec-root)',
    repeatable: true,
  },
  { flags: '--data-root <directory>', summary: `images, containers and volumes (default: ${DATA_ROOT})` },
  { flags: '--exec-root <directory>', summary: `state of what runs now (default: ${EXEC_ROOT})` },
  { flags: '-p, --pidfile <path>', summary: "write the engine's process id here" },
  { flags: '--label <key=value>', summary: 'a label of this engine', repeatable: true },
  { flags: '-b, --bridge <name>', summary: 'bridge of the default network (default: one named after --data-root)' },
  { flags: '--bip <cidr>', summary: 'address and prefix of that bridge, such as 172.17.0.1/16' },
  { flags: '--mtu <bytes>', summary: "largest packet on the containers' networks (default: 1500)" },
  { flags: '--registry-mirror <url>', summary: 'ask this registry before docker.io', repeatable: true },
  {
    flags: '--insecure-registry <host:port>',
    summary: 'a registry, or a subnet of them, that may speak plain HTTP or have an unknown certificate',
    repeatable: true,
  },
  {
    flags: '--registry-certs <directory>',
    summary:
      'certificates of registries, as host[:port]/ca.crt, client.cert and client.key (default: /etc/docker/certs.d)',
  },
  { flags: '--cgroup-parent <path>', summary: "parent of the containers' control groups" },
  { flags: '--iptables [boolean]', summary: 'false: leave the packet filter alone; no published ports then' },
  { flags: '-l, --log-level <level>', summary: 'debug, info, warn, error or fatal (default: info)' },
  ...TLS_FLAGS,
]

export interface EngineSettings {
  readonly engine: EngineOptions
  readonly hosts: readonly string[]
  readonly logLevel: string
  readonly pidFile?: string
  readonly tls?: TlsFiles
}

export interface EngineDefaults {
  readonly hostname: string
  /** Name of the API's socket in the exec root, if no host is given. */
  readonly socket: string
}

/** Reads {@link ENGINE_FLAGS}. Throws BAD_FLAG. */
export function readEngineFlags(options: Options, { hostname, socket }: EngineDefaults): EngineSettings {
  const execRoot = absolute(options, 'execRoot') ?? EXEC_ROOT
  const pidFile = absolute(options, 'pidfile')
  const tls = readTlsFlags(options)
  const hosts = options.list('host')
  return {
    engine: {
      name: options.text('name') ?? hostname,
      dataRoot: absolute(options, 'dataRoot') ?? DATA_ROOT,
      execRoot,
      ...networkFlags(options),
      ...optional('cgroupParent', options.text('cgroupParent')),
      insecureRegistries: options.list('insecureRegistry'),
      registryMirrors: options.list('registryMirror'),
      ...optional('registryCertificates', absolute(options, 'registryCerts')),
      labels: options.list('label').map(checkLabel),
      version: VERSION,
    },
    hosts: hosts.length > 0 ? hosts : [`unix://${join(execRoot, socket)}`],
    logLevel: options.text('logLevel') ?? 'info',
    ...optional('pidFile', pidFile),
    ...optional('tls', tls),
  }
}

function networkFlags(options: Options): Pick<EngineOptions, 'bridge' | 'bip' | 'mtu' | 'manageFirewall'> {
  const mtu = options.number('mtu')
  if (mtu !== undefined && (!Number.isInteger(mtu) || mtu < MTU_MIN || mtu > MTU_MAX)) {
    throw badFlag(`Cannot use --mtu ${mtu}: expected ${MTU_MIN} to ${MTU_MAX}`)
  }
  const bip = options.text('bip')
  if (bip !== undefined) parseCidr(bip)
  const bridge = options.text('bridge')
  // A longer name is not a name of a network interface to the kernel.
  if (bridge !== undefined && !/^[\w.-]{1,15}$/.test(bridge)) {
    throw badFlag(`Cannot use --bridge "${bridge}": expected 1 to 15 letters, digits, dots and dashes`)
  }
  return {
    ...optional('bridge', bridge),
    ...optional('bip', bip),
    ...optional('mtu', mtu),
    manageFirewall: readBoolean(options, 'iptables') ?? true,
  }
}

function readBoolean(options: Options, name: string): boolean | undefined {
  const text = options.text(name)
  if (text === undefined) return options.choice(name)
  if (['true', '1'].includes(text)) return true
  if (['false', '0'].includes(text)) return false
  throw badFlag(`Cannot use --${name} "${text}": expected true or false`)
}

function absolute(options: Options, name: string): string | undefined {
  const path = options.text(name)
  if (path === undefined || path.startsWith('/')) return path
  throw badFlag(`Cannot use the path "${path}": expected an absolute one`)
}

function checkLabel(label: string): string {
  if (/^[^=\s]+=/.test(label)) return label
  throw badFlag(`Cannot use --label "${label}": expected key=value`)
}

/** A field that is left out, not set to undefined, if there is no value. */
function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V })
}
