import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { hostname } from 'node:os'
import {
  badFlag,
  type CommandContext,
  type Invocation,
  type JoinOptions,
  type Options,
  readJoinOptions,
  readLogLevel,
} from '../../cli/index.ts'
import { invalidInput, ShoalError } from '../../core/errors.ts'
import { type Discovery, type EtcdOptions, parseDiscovery } from '../../discovery/index.ts'
import type { ClientTls } from '../../docker-api/index.ts'
import { checkExposure, parseListenAddress } from '../../docker-api/server/index.ts'
import type { AgentOptions } from '../../node-agent/index.ts'
import { type EngineSettings, engineSettings } from '../daemon/engine-flags.ts'
import { readStoreTls } from '../store-tls.ts'
import { loadClientTls } from '../tls-flags.ts'
import { checkAdvertised } from './advertise.ts'
import { findEngine } from './find-engine.ts'

/** What `swarm join` was asked to do, checked. */
export interface JoinSettings extends EngineSettings {
  readonly join: JoinOptions
  readonly cluster: Extract<Discovery, { scheme: 'etcd' }>
  readonly storeTls: EtcdOptions['tls']
  readonly agent: AgentOptions
  /** Another engine to drive instead of the embedded one. */
  readonly engineUrl: string | undefined
  /** For such an engine, if it asks for it. */
  readonly engineTls: ClientTls | undefined
  /** It answered where this node advertises its own: it serves there, and not we. */
  readonly isFound: boolean
  readonly insecure: boolean
  /** As they were written, to be read again with a configuration file that has changed. */
  readonly flags: Options
}

const NODE_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/

/** Reads the flags of `swarm join`. Throws BAD_FLAG, BAD_DISCOVERY, NOT_ROOT, UNKNOWN_HOST, INSECURE_HOST. */
export async function readJoinSettings(invocation: Invocation, context: CommandContext): Promise<JoinSettings> {
  const join = readJoinOptions(invocation, context)
  const cluster = storeOf(join.discovery)
  const named = { hostname: hostname(), socket: 'agent.sock' }
  const { options, settings } = await engineSettings(invocation.options, named)
  const { host, port } = join.advertise
  const apiAddress = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const address = await hostAddress(host)
  checkAdvertised({ host, resolved: address }, cluster.endpoints)
  const tls = await loadClientTls(settings.tls)
  const given = options.text('engine')
  const found = given === undefined ? await findEngine(apiAddress, { clock: context.clock, tls }) : undefined
  const engineUrl = given ?? found?.url
  const name = options.text('name') ?? found?.info.Name ?? settings.engine.name
  if (!NODE_NAME.test(name)) {
    throw badFlag(`Cannot use node name "${name}": give --name with letters, digits and inner . _ -`)
  }
  if (engineUrl === undefined && process.getuid?.() !== 0) {
    throw new ShoalError('NOT_ROOT', 403, 'The embedded engine needs root: run swarm join as root, or give --engine')
  }
  const isListening = options.list('host').length > 0
  // The other members must reach it: managers to speak to containers, peers to copy images.
  const hosts = isListening || found !== undefined ? settings.hosts : [...settings.hosts, `tcp://${apiAddress}`]
  const insecure = options.flag('insecure')
  // Now, not when it listens: before then the engine would have opened its networks.
  for (const listen of hosts) {
    checkExposure(parseListenAddress(listen), { isSecure: settings.tls !== undefined, insecure })
  }
  return {
    ...settings,
    engine: { ...settings.engine, name },
    logLevel: settings.engine.debug === true ? 'debug' : readLogLevel({ ...invocation, options }, context),
    hosts,
    join,
    cluster,
    storeTls: readStoreTls(join.discoveryOptions),
    agent: {
      name,
      apiAddress,
      apiTls: settings.tls !== undefined,
      address,
      labels: {},
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      ttlMs: join.ttlMs,
      heartbeatMs: join.heartbeatMs,
    },
    engineUrl,
    engineTls: tls,
    isFound: found !== undefined,
    insecure,
    flags: invocation.options,
  }
}

function storeOf(discovery: string): JoinSettings['cluster'] {
  const cluster = parseDiscovery(discovery)
  if (cluster.scheme === 'etcd') return cluster
  throw invalidInput(
    'BAD_DISCOVERY',
    `Cannot join through ${cluster.scheme}://: a fixed list has no place for a new node; use etcd://host:port/cluster`,
  )
}

/** VXLAN and peer probes need an address, not a name. */
async function hostAddress(host: string): Promise<string> {
  if (isIPv4(host)) return host
  try {
    return (await lookup(host, { family: 4 })).address
  } catch (cause) {
    throw invalidInput('UNKNOWN_HOST', `Cannot find an IPv4 address of --advertise ${host}: give an address`, {
      cause,
    })
  }
}
