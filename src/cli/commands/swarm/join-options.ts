import type { CommandContext, Invocation } from '../../command.ts'
import { badFlag, type HostPort, readAdvertise, readDiscovery, readDiscoveryOptions, readDuration } from './flags.ts'

export interface JoinOptions {
  readonly discovery: string
  readonly discoveryOptions: Readonly<Record<string, string>>
  readonly advertise: HostPort
  /** How often the membership is renewed at the latest. */
  readonly heartbeatMs: number
  /** How long the membership outlives the agent. */
  readonly ttlMs: number
  /** Registration waits a random time below this, so that a data centre that boots does not register all at once. */
  readonly delayMs: number
}

/** Lease of a member, in milliseconds, unless `--ttl` says otherwise. */
const TTL_MS = 5_000
const HEARTBEAT_MS = 1_000

interface Known {
  /** The discovery URL, if nobody has to give it. */
  readonly discovery?: string
  /** How many times as long as on an ordinary host work takes on this one: so much longer its silence is borne. */
  readonly pace?: number
}

/**
 * Reads and checks the flags of `swarm join`. Classic Swarm's names and messages; its defaults of 60 s and 180 s are not
 * taken over, because a dead node must be noticed in seconds.
 */
export function readJoinOptions(
  invocation: Invocation,
  context: Pick<CommandContext, 'env'>,
  { discovery: known, pace = 1 }: Known = {},
): JoinOptions {
  const discovery = known ?? readDiscovery(invocation, context, 'join a cluster')
  const { options } = invocation
  const advertise = readJoinAddress(invocation, context)
  const ttlMs = readDuration(invocation, 'ttl', TTL_MS * pace)
  const heartbeatMs = readDuration(invocation, 'heartbeat', Math.min(HEARTBEAT_MS * pace, ttlMs / 3))
  const delayMs = readDuration(invocation, 'delay', 0)
  if (options.text('heartbeat') !== undefined && heartbeatMs < 1_000) {
    throw badFlag('--heartbeat should be at least one second')
  }
  if (ttlMs <= heartbeatMs) throw badFlag('--ttl must be strictly superior to the heartbeat value')
  if (delayMs < 0) throw badFlag('--delay should not be a negative number')
  return {
    discovery,
    discoveryOptions: readDiscoveryOptions(invocation),
    advertise,
    heartbeatMs,
    ttlMs,
    delayMs,
  }
}

/** Where the other members reach this node. Throws BAD_FLAG. */
export function readJoinAddress(
  { options }: Pick<Invocation, 'options'>,
  { env }: Pick<CommandContext, 'env'>,
): HostPort {
  return readAdvertise(options.text('advertise') ?? options.text('addr') ?? env['SWARM_ADVERTISE'])
}
