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
  readJoinAddress,
  readJoinOptions,
  readLogLevel,
} from '../../cli/index.ts'
import { invalidInput, ShoalError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { type Discovery, type EtcdOptions, parseDiscovery } from '../../discovery/index.ts'
import type { ClientTls } from '../../docker-api/index.ts'
import { checkExposure, parseListenAddress } from '../../docker-api/server/index.ts'
import type { AgentOptions } from '../../node-agent/index.ts'
import { type EngineSettings, engineSettings } from '../daemon/engine-flags.ts'
import { hostPace } from '../daemon/host-pace.ts'
import { readStoreTls } from '../store-tls.ts'
import { loadClientTls } from '../tls-flags.ts'
import { checkAdvertised } from './advertise.ts'
import { type AgentTrust, findTrust, joinTrusted } from './agent-trust.ts'
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
  /** How slow this host is: see `hostPace`. */
  readonly pace: number
  /** Where the cluster makes its own certificates. */
  readonly trust: AgentTrust | undefined
  /** As they were written, to be read again with a configuration file that has changed. */
  readonly flags: Options
}

const NODE_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/

/**
 * Reads the flags of `swarm join`, and gets this host a certificate if it has none and a join token. Throws BAD_FLAG, BAD_DISCOVERY,
 * NOT_ROOT, UNKNOWN_HOST, INSECURE_HOST, and what keeps it from getting one.
 */
export async function readJoinSettings(
  invocation: Invocation,
  context: CommandContext,
  scope: Scope,
): Promise<JoinSettings> {
  const pace = hostPace()
  const named = { hostname: hostname(), socket: 'agent.sock' }
  const { options, settings } = await engineSettings(invocation.options, named)
  const isTrusted = await findTrust(invocation, settings)
  // Without certificates of the cluster the store is said, and checked before anything else is done.
  const asked = isTrusted ? undefined : readJoinOptions(invocation, context, { pace })
  const { host, port } = readJoinAddress(invocation, context)
  const apiAddress = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const address = await hostAddress(host)
  if (asked !== undefined) checkAdvertised({ host, resolved: address }, storeOf(asked.discovery).endpoints)
  const tls = await loadClientTls(settings.tls)
  const given = options.text('engine')
  // One that is no member yet could not show who it is.
  const mayBeThere = given === undefined && !isTrusted
  const found = mayBeThere ? await findEngine(apiAddress, { clock: context.clock, tls }) : undefined
  const engineUrl = given ?? found?.url
  const name = options.text('name') ?? found?.info.Name ?? settings.engine.name
  checkNode(name, engineUrl)
  const insecure = options.flag('insecure')
  const isSecure = isTrusted || settings.tls !== undefined
  const isServed = options.list('host').length > 0 || found !== undefined
  // The other members must reach it: managers to speak to containers, peers to copy images.
  const hosts = isServed ? settings.hosts : [...settings.hosts, `tcp://${apiAddress}`]
  // Now, not when it listens: before then the engine would have opened its networks.
  for (const listen of hosts) checkExposure(parseListenAddress(listen), { isSecure, insecure })
  const joining = { dataRoot: settings.engine.dataRoot, name, hosts: [host] }
  const { join, trust } = await whereTo(asked, joining, { invocation, context, scope, pace })
  const cluster = storeOf(join.discovery)
  checkAdvertised({ host, resolved: address }, cluster.endpoints)
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
      apiTls: isSecure,
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
    pace,
    trust,
    flags: invocation.options,
  }
}

/** The store, as it was said, or as managers say it to whom they make a certificate for. */
async function whereTo(
  asked: JoinOptions | undefined,
  joining: Parameters<typeof joinTrusted>[0],
  ports: Parameters<typeof joinTrusted>[1] & { readonly pace: number },
): Promise<{ readonly join: JoinOptions; readonly trust: AgentTrust | undefined }> {
  if (asked !== undefined) return { join: asked, trust: undefined }
  const trust = await joinTrusted(joining, ports)
  const { discovery } = trust
  return { join: readJoinOptions(ports.invocation, ports.context, { discovery, pace: ports.pace }), trust }
}

/** Throws BAD_FLAG or NOT_ROOT. */
function checkNode(name: string, engineUrl: string | undefined): void {
  if (!NODE_NAME.test(name)) {
    throw badFlag(`Cannot use node name "${name}": give --name with letters, digits and inner . _ -`)
  }
  if (engineUrl === undefined && process.getuid?.() !== 0) {
    throw new ShoalError('NOT_ROOT', 403, 'The embedded engine needs root: run swarm join as root, or give --engine')
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
