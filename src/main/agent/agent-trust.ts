import { join } from 'node:path'
import { badFlag, type CommandContext, type Invocation } from '../../cli/index.ts'
import type { Clock } from '../../core/clock.ts'
import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { Scope } from '../../core/scope.ts'
import type { ClusterKeys, Store } from '../../discovery/index.ts'
import type { ServerTls } from '../../docker-api/server/index.ts'
import { createCertificateMaker, createPeerReader, LiveIdentity } from '../../trust/index.ts'
import type { EngineSettings } from '../daemon/engine-flags.ts'
import { askToLeave, askToRenew, tellTrusts } from '../trust/ask-managers.ts'
import { createGuard } from '../trust/guard.ts'
import { type Membership, readIdentity } from '../trust/identity-files.ts'
import { IdentityKeeper } from '../trust/keep-identity.ts'
import { obtainIdentity } from '../trust/obtain-identity.ts'
import { Places } from '../trust/places.ts'
import { isTokenGiven, readManagers, readToken } from '../trust/token-input.ts'
import { holdAgentDirectory } from './agent-directory.ts'
import { agentIdentityDirectory } from './leave-request.ts'

/** A node's part in the trust of a cluster that makes its own certificates. */
export interface AgentTrust {
  readonly identity: LiveIdentity
  readonly membership: Membership
  readonly places: Places
  /** The agent's part of the data root, held for this process. */
  readonly agentDirectory: string
  /** Where the store is, as the managers say. */
  readonly discovery: string
  /** Managers that were named on the command line. */
  readonly managers: readonly string[]
}

/** Whether this host is, or is to be, a member of such a cluster. Throws BAD_FLAG if it was given certificates besides. */
export async function findTrust(
  { options }: Pick<Invocation, 'options'>,
  { engine: { dataRoot }, tls }: Pick<EngineSettings, 'engine' | 'tls'>,
): Promise<boolean> {
  const isNamed = readManagers(options).length > 0 || isTokenGiven(options)
  const isTrusted = isNamed || (await readIdentity(agentIdentityDirectory(join(dataRoot, 'agent')))) !== undefined
  if (isTrusted && tls !== undefined) {
    throw badFlag('--tls* are not needed here: this cluster makes its certificates itself')
  }
  return isTrusted
}

interface Joining {
  readonly dataRoot: string
  readonly name: string
  readonly hosts: readonly string[]
}

interface JoinPorts {
  readonly invocation: Invocation
  readonly context: CommandContext
  readonly scope: Scope
}

/** Takes the agent's directory for this process, and gets the node its certificate if it has none yet. */
export async function joinTrusted(
  { dataRoot, name, hosts }: Joining,
  { invocation: { options }, context, scope }: JoinPorts,
): Promise<AgentTrust> {
  const agentDirectory = holdAgentDirectory(dataRoot, scope)
  const managers = readManagers(options)
  const directory = agentIdentityDirectory(agentDirectory)
  const isMember = (await readIdentity(directory)) !== undefined
  const token = await readToken(options, context, { isMember })
  const { clock, random, signal } = context
  const maker = createCertificateMaker(random)
  const wish = { directory, name, role: 'node' as const, hosts, token, managers }
  const { credentials, membership } = await obtainIdentity(wish, { maker, clock, signal })
  const discovery = `etcd://${membership.storeEndpoints.join(',')}/${membership.cluster}`
  const places = new Places(membership)
  return { identity: new LiveIdentity(credentials), membership, places, agentDirectory, discovery, managers }
}

export function serveTrusted({ identity }: AgentTrust, clock: Clock): ServerTls {
  return identity.serve(createGuard('node', { identity, clock, readPeer: createPeerReader() }).refuse)
}

interface KeepPorts {
  readonly store: Store
  readonly keys: ClusterKeys
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Renews the node's certificate, and follows whom to trust. */
export function keepTrust(trust: AgentTrust, ports: KeepPorts, scope: Scope): IdentityKeeper {
  const { identity, membership, places, agentDirectory } = trust
  const keeper = new IdentityKeeper({
    ...ports,
    identity,
    membership,
    places,
    maker: createCertificateMaker(ports.random),
    directory: agentIdentityDirectory(agentDirectory),
    renew: csr => askToRenew(csr, asking(trust, ports, scope.signal)),
    confirm: trusts => tellTrusts(trusts, asking(trust, ports, scope.signal)),
  })
  scope.defer(() => keeper.close())
  return keeper
}

/** The last word of a node that leaves: nobody is to be let in with its certificate any more, and its name is free. */
export async function giveBack(trust: AgentTrust, { clock, log }: Pick<KeepPorts, 'clock' | 'log'>): Promise<void> {
  try {
    const { signal } = new AbortController()
    await askToLeave(asking(trust, { clock }, signal))
  } catch (error) {
    const { name } = trust.identity.credentials.subject
    log.warn({ error: errorMessage(error) }, `cannot give the certificate back: run swarm cert revoke ${name}`)
  }
}

function asking({ identity, managers, places }: AgentTrust, { clock }: Pick<KeepPorts, 'clock'>, signal: AbortSignal) {
  const all = [...new Set([...places.managers, ...managers])]
  return { managers: all, tls: identity.dial({ role: 'manager' }), clock, signal }
}
