import type { CommandDefinition, CommandGroup, CommandLeaf, OptionDefinition, RunCommand } from '../../command.ts'
import { nodeGroup } from './node-group.ts'

/** The commands of `swarm` that need more than the manager's API; main/ wires them. */
export interface SwarmPrograms {
  readonly create: () => Promise<RunCommand>
  readonly list: () => Promise<RunCommand>
  readonly join: () => Promise<RunCommand>
  readonly manage: () => Promise<RunCommand>
  /** Flags of the engine, which `join` takes too. */
  readonly engineFlags: readonly OptionDefinition[]
  /** How a manager serves TLS; an engine's flags have them already. */
  readonly tlsFlags: readonly OptionDefinition[]
}

const DISCOVERY_OPTION: OptionDefinition = {
  flags: '--discovery-opt <key=value>',
  summary: 'discovery options: kv.cacertfile, kv.certfile, kv.keyfile',
  repeatable: true,
}
const ADVERTISE: OptionDefinition = {
  flags: '--advertise <host:port>',
  summary: 'address of the Docker Engine API as the other members reach it [$SWARM_ADVERTISE]',
}
const ADVERTISE_ALIAS: OptionDefinition = { flags: '--addr <host:port>', summary: 'same as --advertise', hidden: true }

const DISCOVERY_HELP = `Discovery URLs:
  etcd://<host:port>[,<host:port>…][/<cluster>]   a store: presence, services, failover
  nodes://<host:port>[,…] or file://<path>        a fixed list of engines (list and manage only)`

/** The `swarm` family. */
export function swarmGroup(programs: SwarmPrograms): CommandGroup {
  const commands: readonly CommandDefinition[] = [
    createCommand(programs),
    listCommand(programs),
    manageCommand(programs),
    joinCommand(programs),
    nodeGroup,
  ]
  return { name: 'swarm', summary: 'Make many hosts one cluster', commands }
}

function createCommand({ create }: SwarmPrograms): CommandLeaf {
  return {
    name: 'create',
    aliases: ['c'],
    summary: 'Make the name of a new cluster',
    // Taken to be refused with a message of our own.
    args: '[arguments...]',
    load: create,
  }
}

function listCommand({ list }: SwarmPrograms): CommandLeaf {
  return {
    name: 'list',
    aliases: ['l'],
    summary: 'List the nodes of a cluster, one address a line',
    args: '[discovery...]',
    options: [
      { flags: '--timeout <duration>', summary: 'how long to wait for an answer (default: 10s)' },
      DISCOVERY_OPTION,
    ],
    footer: DISCOVERY_HELP,
    load: list,
  }
}

function joinCommand({ join, engineFlags }: SwarmPrograms): CommandLeaf {
  return {
    name: 'join',
    aliases: ['j'],
    summary: 'Make this host a node of a cluster: runs its engine and agent',
    args: '[discovery...]',
    options: [
      ADVERTISE,
      ADVERTISE_ALIAS,
      {
        flags: '--engine <url>',
        summary: 'drive this Docker Engine (unix:///var/run/docker.sock) instead of the embedded one',
      },
      { flags: '--insecure', summary: 'serve the API without TLS on addresses other than loopback' },
      {
        flags: '--heartbeat <duration>',
        summary: 'longest time between two signs of life (default: a third of --ttl)',
      },
      { flags: '--ttl <duration>', summary: 'how long the membership outlives a silent agent (default: 5s)' },
      { flags: '--delay <duration>', summary: 'wait a random time below this before joining (default: 0s)' },
      DISCOVERY_OPTION,
      ...engineFlags,
    ],
    footer: DISCOVERY_HELP,
    load: join,
  }
}

function manageCommand({ manage, tlsFlags }: SwarmPrograms): CommandLeaf {
  return {
    name: 'manage',
    aliases: ['m'],
    summary: 'Manage a cluster: schedules, watches over nodes, serves the API',
    args: '[discovery...]',
    options: [...MANAGE_OPTIONS, ...tlsFlags],
    footer: `${DISCOVERY_HELP}\n  none: an etcd of its own, in --data-root`,
    load: manage,
  }
}

const MANAGE_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: '-H, --host <url>',
    summary: 'serve the API here (default: tcp://127.0.0.1:3375) [$SWARM_HOST]',
    repeatable: true,
  },
  { flags: '--insecure', summary: 'serve the API without TLS on addresses other than loopback' },
  { flags: '--strategy <name>', summary: 'placement: spread, binpack or random (default: spread)' },
  {
    flags: '-f, --filter <name>',
    summary: 'filter of containers created one by one, instead of all of them',
    repeatable: true,
  },
  { flags: '--replication', summary: 'accepted: managers on a store always elect a leader', hidden: true },
  { flags: '--replication-ttl <duration>', summary: 'how long a leader that is silent stays leader' },
  { ...ADVERTISE, summary: 'address of this manager for the other managers [$SWARM_ADVERTISE]' },
  ADVERTISE_ALIAS,
  { flags: '--data-root <directory>', summary: 'where the embedded etcd keeps its data (default: /var/lib/shoal)' },
  {
    flags: '--etcd-listen <host:port>',
    summary: 'where the embedded etcd answers, for nodes that join (default: 127.0.0.1:2379)',
  },
  { flags: '--cluster <name>', summary: 'name of the cluster in the embedded etcd (default: default)' },
  { flags: '--cluster-opt <key=value>', summary: 'swarm.overcommit=<share>', repeatable: true },
  { flags: '-l, --log-level <level>', summary: 'debug, info, warn, error or fatal (default: info)' },
  DISCOVERY_OPTION,
]
