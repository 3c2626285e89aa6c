import { networkInterfaces } from 'node:os'
import {
  badFlag,
  type CommandContext,
  type Invocation,
  type Options,
  readDiscoveryOptions,
  readDuration,
  readLogLevel,
} from '../../cli/index.ts'
import { type Discovery, type EtcdOptions, parseDiscovery, parseHostPort } from '../../discovery/index.ts'
import { checkExposure, isExposed, type ListenAddress, parseListenAddress } from '../../docker-api/server/index.ts'
import type { Strategy } from '../../manager/index.ts'
import { FILTER_NAMES, type FilterName, isFilterName, type Preferences } from '../../scheduler/index.ts'
import { DATA_ROOT } from '../daemon/daemon-flags.ts'
import { readStoreTls } from '../store-tls.ts'
import { readTlsFlags, type TlsFiles } from '../tls-flags.ts'
import { checkReplication, ineffective, type ListPolling, readClusterOptions, readPolling } from './classic-flags.ts'

/** What `swarm manage` was asked to do, checked. */
export interface ManageOptions {
  /** Absent: an etcd of our own. */
  readonly discovery: Discovery | undefined
  readonly hosts: readonly string[]
  readonly insecure: boolean
  readonly tlsFiles: TlsFiles | undefined
  readonly advertise: string
  readonly strategy: Strategy
  readonly overcommit: number
  /** What is wanted of placement beyond classic Swarm. */
  readonly preferences: Preferences
  /** How often a container that could not be created is tried again. */
  readonly createRetries: number
  readonly filters: readonly FilterName[]
  readonly electionTtlMs: number
  readonly dataRoot: string
  readonly etcdListen: { readonly host: string; readonly port: number }
  /** It was said where the store is to answer: a manager that joins others keeps a copy of theirs there. */
  readonly isStoreGiven: boolean
  readonly cluster: string
  readonly logLevel: string
  /** For an etcd that asks for certificates. */
  readonly storeTls: EtcdOptions['tls']
  /** How engines that are listed by hand are watched. */
  readonly polling: ListPolling
  /** Whether web pages of any origin may use the API. */
  readonly cors: boolean
  /** Flags that were accepted and do nothing, and what is unwise. */
  readonly warnings: readonly string[]
}

const DEFAULT_HOST = 'tcp://127.0.0.1:3375'
/** With certificates: for root here, who needs none, and for everybody who has one. */
const TRUSTED_HOSTS = ['unix:///run/shoal/manager.sock', 'tcp://0.0.0.0:3376']
const DEFAULT_ETCD = '127.0.0.1:2379'
const ELECTION_TTL_MS = 3_000

interface ManageWorld extends Pick<CommandContext, 'env'> {
  /** Everything is served with certificates of the cluster. */
  readonly isTrusted?: boolean
  /** How many times as long as on an ordinary host work takes on this one: so much longer the leader's silence is borne. */
  readonly pace?: number
}

/**
 * Reads the flags of `swarm manage`; the messages are classic Swarm's where it has one. Throws BAD_FLAG.
 */
export function readManageOptions(
  invocation: Invocation,
  { env, isTrusted = false, pace = 1 }: ManageWorld,
): ManageOptions {
  const { args, options, command } = invocation
  const text = (name: string, fallback: string): string => options.text(name) ?? fallback
  if (args.length > 1) throw badFlag(`the \`manage\` command takes one argument at most. See '${command} --help'.`)
  const url = args[0] ?? env['SWARM_DISCOVERY']
  const hosts = readHosts(options, env, isTrusted)
  const listen = hosts.map(parseListenAddress)
  const etcdListen = readEtcdListen(options)
  const insecure = options.flag('insecure')
  const tlsFiles = readTlsFiles(options, isTrusted)
  // Now, not when it listens: before then a store of our own may have been started.
  const isSecure = isTrusted || tlsFiles !== undefined
  for (const address of listen) checkExposure(address, { isSecure, insecure })
  if (url === undefined && !insecure && !isTrusted) refuseExposed(etcdListen)
  if (url === undefined && isTrusted) refuseAnyAddress(etcdListen)
  const discovery = url === undefined ? undefined : parseDiscovery(url)
  const advertise = options.text('advertise') ?? options.text('addr') ?? env['SWARM_ADVERTISE']
  checkReplication(options, { discovery, advertise })
  const cluster = readClusterOptions(options)
  return {
    discovery,
    hosts,
    insecure,
    tlsFiles,
    advertise: readAdvertise(advertise, listen),
    strategy: readStrategy(text('strategy', 'spread')),
    overcommit: cluster.overcommit,
    preferences: cluster.preferences,
    createRetries: cluster.createRetries,
    filters: readFilters(options.list('filter')),
    electionTtlMs: readElectionTtl(invocation, pace),
    dataRoot: text('dataRoot', DATA_ROOT),
    etcdListen,
    isStoreGiven: options.text('etcdListen') !== undefined,
    cluster: text('cluster', 'default'),
    logLevel: readLogLevel(invocation, { env }),
    storeTls: readStoreTls(readDiscoveryOptions(invocation)),
    polling: readPolling(invocation),
    cors: options.flag('apiEnableCors') || options.flag('cors'),
    warnings: [...cluster.warnings, ...ineffective(options, discovery)],
  }
}

function readHosts(
  options: Options,
  { SWARM_HOST: host }: CommandContext['env'],
  isTrusted: boolean,
): readonly string[] {
  const given = options.list('host')
  if (given.length > 0) return given
  if (host !== undefined && host !== '') return [host]
  return isTrusted ? TRUSTED_HOSTS : [DEFAULT_HOST]
}

function readTlsFiles(options: Options, isTrusted: boolean): TlsFiles | undefined {
  const files = readTlsFlags(options)
  if (!isTrusted || files === undefined) return files
  throw badFlag('--tls* are not needed here: this cluster makes its certificates itself')
}

function readEtcdListen(options: Options): ManageOptions['etcdListen'] {
  const address = parseHostPort(options.text('etcdListen') ?? DEFAULT_ETCD)
  if (address === undefined) throw badFlag('--etcd-listen should be of the form ip:port')
  return address
}

/** Members are told where the store is, and its certificate says so: that has to be an address. */
function refuseAnyAddress({ host, port }: ManageOptions['etcdListen']): void {
  if (host !== '0.0.0.0' && host !== '::') return
  throw badFlag(
    `Cannot use --etcd-listen ${host}:${port} in a cluster with certificates: give the address at which the other hosts reach this one`,
  )
}

function refuseExposed({ host, port }: ManageOptions['etcdListen']): void {
  if (!isExposed({ kind: 'tcp', host, port })) return
  throw badFlag(
    `Cannot serve --etcd-listen ${host}:${port} without TLS: whoever reaches it owns every host; say --insecure if the network is trusted`,
  )
}

function readElectionTtl(invocation: Invocation, pace: number): number {
  const ttlMs = readDuration(invocation, 'replication-ttl', ELECTION_TTL_MS * pace)
  if (ttlMs <= 0) throw badFlag('--replication-ttl should be a positive number')
  return ttlMs
}

function readStrategy(name: string): Strategy {
  if (name === 'binpacking') return 'binpack'
  if (name === 'spread' || name === 'binpack' || name === 'random') return name
  throw badFlag(`strategy not supported: ${name}; known are spread, binpack and random`)
}

/** Any that is given replaces all of them, in the order given, as in classic Swarm. */
function readFilters(names: readonly string[]): readonly FilterName[] {
  const unknown = names.find(name => !isFilterName(name))
  if (unknown !== undefined) throw badFlag(`filter not supported: ${unknown}; known are ${FILTER_NAMES.join(', ')}`)
  return names.length === 0 ? FILTER_NAMES : names.filter(isFilterName)
}

/** Where other managers reach this one: as said, else where it listens. */
function readAdvertise(text: string | undefined, listen: readonly ListenAddress[]): string {
  if (text !== undefined) {
    if (parseHostPort(text) === undefined) {
      throw badFlag('--advertise should be of the form ip:port or hostname:port')
    }
    return text
  }
  const tcp = listen.find(address => address.kind === 'tcp')
  if (tcp === undefined) return '127.0.0.1:0'
  return `${tcp.host === '0.0.0.0' || tcp.host === '::' ? ownAddress() : tcp.host}:${tcp.port}`
}

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}
