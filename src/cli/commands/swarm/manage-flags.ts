import type { OptionDefinition } from '../../command.ts'
import { CONTEXT_OPTION } from '../../engine/docker-context.ts'

/** How a host gets its first certificate of a cluster. */
export const TOKEN_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: '--token <token>',
    summary: 'join token, as swarm token create prints it: gets the first certificate of the cluster',
  },
  { flags: '--token-file <path>', summary: 'file with the join token, or - for the standard input' },
  { flags: '--manager <host:port>', summary: 'where a manager answers who has a join token', repeatable: true },
]
export const DISCOVERY_OPTION: OptionDefinition = {
  flags: '--discovery-opt <key=value>',
  summary: 'discovery options: kv.cacertfile, kv.certfile, kv.keyfile',
  repeatable: true,
}
export const ADVERTISE: OptionDefinition = {
  flags: '--advertise <host:port>',
  summary: 'address of the Docker Engine API as the other members reach it [$SWARM_ADVERTISE]',
}
export const ADVERTISE_ALIAS: OptionDefinition = {
  flags: '--addr <host:port>',
  summary: 'same as --advertise',
}

/** What classic Swarm takes before the command. */
export const GLOBAL_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--debug', summary: 'log everything, unless --log-level says otherwise [$DEBUG]' },
  { flags: '-l, --log-level <level>', summary: 'debug, info, warn, error, fatal or panic (default: info)' },
  { flags: '--experimental', summary: 'accepted: nothing is experimental' },
  CONTEXT_OPTION,
]

/** Classic Swarm's flags of `swarm manage`, and those of the embedded store. */
export const MANAGE_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: '-H, --host <url>',
    summary: 'serve the API here (default: tcp://127.0.0.1:3375) [$SWARM_HOST]',
    repeatable: true,
  },
  { flags: '--insecure', summary: 'serve the API without TLS on addresses other than loopback' },
  { flags: '--strategy <name>', summary: 'placement: spread, binpack or random (default: spread)' },
  {
    flags: '-f, --filter <name>',
    summary:
      'filter of containers created one by one, in this order, instead of all: health, port, containerslots, dependency, affinity, constraint, whitelist',
    repeatable: true,
  },
  { flags: '--replication', summary: 'checks that several managers are possible; on a store they always are' },
  {
    flags: '--replication-ttl <duration>',
    summary: 'how long a leader that is silent stays leader (default: 3s, longer where programs start slowly)',
  },
  { ...ADVERTISE, summary: 'address of this manager for the other managers [$SWARM_ADVERTISE]' },
  ADVERTISE_ALIAS,
  ...TOKEN_OPTIONS,
  { flags: '--name <name>', summary: 'name in the certificate of this manager (default: manager-<hostname>)' },
  { flags: '--data-root <directory>', summary: 'where the embedded etcd keeps its data (default: /var/lib/shoal)' },
  {
    flags: '--etcd-listen <host:port>',
    summary:
      'where the embedded etcd answers, for nodes that join, and at the next port its copies on other managers (default: 127.0.0.1:2379; with --token none unless given)',
  },
  { flags: '--cluster <name>', summary: 'name of the cluster in the embedded etcd (default: default)' },
  {
    flags: '--cluster-opt <key=value>',
    summary:
      'swarm.overcommit=<share of what nodes have>, swarm.createretry=<times>, shoal.soft=score (wishes one by one), shoal.image-locality=<containers>, shoal.volume-locality=prefer|require',
    repeatable: true,
  },
  { flags: '-c, --cluster-driver <name>', summary: 'swarm, the only one there is' },
  { flags: '--api-enable-cors', summary: 'let web pages of any origin use the API' },
  { flags: '--cors', summary: 'same as --api-enable-cors' },
  {
    flags: '--heartbeat <duration>',
    summary: 'how often the file of file:// is read (default: 2s)',
  },
  {
    flags: '--engine-refresh-min-interval <duration>',
    summary: 'engines of nodes:// and file:// are asked no more often than this (default: 5s)',
  },
  {
    flags: '--engine-refresh-max-interval <duration>',
    summary: 'and at least so often, a random time between the two (default: the shorter)',
  },
  {
    flags: '--engine-failure-retry <count>',
    summary: 'after so many failures such an engine is down (default: 3)',
  },
  { flags: '--engine-refresh-retry <count>', summary: 'deprecated: --engine-failure-retry' },
  { flags: '--refresh-on-node-filter', summary: 'accepted: lists are never stale' },
  { flags: '--container-name-refresh-filter <name>', summary: 'accepted: lists are never stale' },
  { flags: '-l, --log-level <level>', summary: 'debug, info, warn, error or fatal (default: info)' },
  DISCOVERY_OPTION,
]
