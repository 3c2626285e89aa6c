import type { CommandDefinition, CommandGroup, CommandLeaf, OptionDefinition, RunCommand } from '../../command.ts'
import { MANAGER_OPTIONS } from '../../manager/manager-address.ts'
import { CREATE_OPTIONS } from '../container/create/create-options.ts'
import {
  ADVERTISE,
  ADVERTISE_ALIAS,
  DISCOVERY_OPTION,
  GLOBAL_OPTIONS,
  MANAGE_OPTIONS,
  TOKEN_OPTIONS,
} from './manage-flags.ts'
import { nodeGroup } from './node-group.ts'
import { authorityGroup, certificateGroup, tokenGroup } from './trust-groups.ts'

/** The commands of `swarm` that need more than the manager's API; main/ wires them. */
export interface SwarmPrograms {
  readonly create: () => Promise<RunCommand>
  readonly list: () => Promise<RunCommand>
  readonly join: () => Promise<RunCommand>
  readonly leave: () => Promise<RunCommand>
  readonly manage: () => Promise<RunCommand>
  readonly clientCertificate: () => Promise<RunCommand>
  /** Flags of the engine, which `join` takes too. */
  readonly engineFlags: readonly OptionDefinition[]
  /** How a manager serves TLS; an engine's flags have them already. */
  readonly tlsFlags: readonly OptionDefinition[]
}

const DISCOVERY_HELP = `Discovery URLs:
  etcd://<host:port>[,<host:port>…][/<cluster>]   a store: presence, services, failover
  nodes://<host:port>[,…] or file://<path>        a fixed list of engines (list and manage only);
                                                  10.0.0.[11:20]:2375 stands for ten of them
  none: $SWARM_DISCOVERY`

/** The `swarm` family. */
export function swarmGroup(programs: SwarmPrograms): CommandGroup {
  const commands: readonly CommandDefinition[] = [
    createCommand(programs),
    listCommand(programs),
    manageCommand(programs),
    joinCommand(programs),
    leaveCommand(programs),
    nodeGroup,
    tokenGroup,
    certificateGroup,
    authorityGroup,
    clientCertificateCommand(programs),
    rebalanceCommand,
    eventsCommand,
    whyCommand,
    whyNotCommand,
  ]
  return { name: 'swarm', summary: 'Make many hosts one cluster', options: GLOBAL_OPTIONS, commands }
}

const rebalanceCommand: CommandLeaf = {
  name: 'rebalance',
  summary: 'Move tasks of services from fuller nodes to emptier ones',
  options: [
    ...MANAGER_OPTIONS,
    { flags: '--plan', summary: 'only show the moves' },
    { flags: '--max-moves <number>', summary: 'at most so many (default: 10)' },
  ],
  load: async () => (await import('./rebalance.ts')).runRebalance,
}

const eventsCommand: CommandLeaf = {
  name: 'events',
  summary: 'Show what happens on all nodes, as it happens',
  options: [
    ...MANAGER_OPTIONS,
    { flags: '-f, --filter <key=value>', summary: 'only those that match, such as node=n1', repeatable: true },
    { flags: '--since <time>', summary: 'from then on: 42m, or a time' },
    { flags: '--until <time>', summary: 'until then' },
    { flags: '--format <format>', summary: 'json or a template' },
  ],
  load: async () => (await import('./events.ts')).runSwarmEvents,
}

const EXPLAIN_FORMAT: OptionDefinition = {
  flags: '--format <format>',
  summary: 'table, json or a template of each node',
}

const whyCommand: CommandLeaf = {
  name: 'why',
  summary: 'Tell why a container or a task is on its node, or waits',
  args: '<container>',
  usage: '[OPTIONS] CONTAINER|TASK',
  options: [...MANAGER_OPTIONS, EXPLAIN_FORMAT],
  load: async () => (await import('./why.ts')).runWhy,
}

const whyNotCommand: CommandLeaf = {
  name: 'why-not',
  summary: 'Tell where a container, or one more task of a service, would go, and what is in its way elsewhere',
  args: '<image> [command...]',
  usage: '[OPTIONS] IMAGE|SERVICE',
  passThrough: true,
  options: [
    ...MANAGER_OPTIONS,
    EXPLAIN_FORMAT,
    { flags: '--node <node>', summary: 'only this node' },
    ...CREATE_OPTIONS,
  ],
  footer: 'Takes the flags of run. Creates nothing. Exit code 3: it fits nowhere, or not on the node.',
  load: async () => (await import('./why.ts')).runWhyNot,
}

function createCommand({ create }: SwarmPrograms): CommandLeaf {
  return {
    name: 'create',
    aliases: ['c'],
    summary: 'Make a cluster in a store, or the name of one',
    args: '[discovery...]',
    options: [
      DISCOVERY_OPTION,
      { flags: '--timeout <duration>', summary: 'how long to wait for the store (default: 10s)' },
      { flags: '--dry-run', summary: 'only say what would be made' },
      { flags: '--trust', summary: "make the cluster's certificate authority, in --data-root of its first manager" },
      { flags: '--data-root <directory>', summary: 'of the first manager, for --trust (default: /var/lib/shoal)' },
      {
        flags: '--certificate-life <duration>',
        summary: 'how long certificates of members are valid (default: 2160h)',
      },
    ],
    footer: `With etcd://<host:port>[/<cluster>] the cluster is made there and its id printed.
Without, a new name is printed, to be used as the path of such a URL.`,
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
      {
        flags: '--ttl <duration>',
        summary: 'how long the membership outlives a silent agent (default: 5s, longer where programs start slowly)',
      },
      { flags: '--delay <duration>', summary: 'wait a random time below this before joining (default: 0s)' },
      ...TOKEN_OPTIONS,
      DISCOVERY_OPTION,
      ...engineFlags,
    ],
    footer: DISCOVERY_HELP,
    load: join,
  }
}

function clientCertificateCommand({ clientCertificate }: SwarmPrograms): CommandLeaf {
  return {
    name: 'client-cert',
    summary: "Get a person's certificate: for docker --tlsverify, and every command of Shoal",
    args: '<name>',
    options: [
      ...TOKEN_OPTIONS,
      {
        flags: '--out <directory>',
        summary: 'where ca.pem, cert.pem and key.pem go (default: $DOCKER_CERT_PATH, $DOCKER_CONFIG, ~/.docker)',
      },
      { flags: '--dry-run', summary: 'only say what would be done' },
    ],
    footer: `With a join token for the role client; once there is a certificate it is renewed without one.
The key is made here, and never leaves.`,
    load: clientCertificate,
  }
}

function leaveCommand({ leave }: SwarmPrograms): CommandLeaf {
  return {
    name: 'leave',
    summary: 'Take this host out of its cluster: its agent ends, and the containers of its tasks are removed',
    args: '[discovery...]',
    options: [
      { flags: '-f, --force', summary: 'even while tasks run here, or when the store does not answer' },
      { flags: '--purge', summary: "remove the cluster's networks and packet filter rules from this host too" },
      { flags: '--data-root <directory>', summary: 'of the agent (default: /var/lib/shoal)' },
      { flags: '--timeout <duration>', summary: 'how long to wait for the agent to end (default: 1m)' },
      { flags: '--dry-run', summary: 'only say what would be done' },
      DISCOVERY_OPTION,
    ],
    footer: `Containers of docker run, images and volumes stay. The cluster goes on knowing the node until swarm node rm.`,
    load: leave,
  }
}

function manageCommand({ manage, tlsFlags }: SwarmPrograms): CommandLeaf {
  return {
    name: 'manage',
    aliases: ['m'],
    summary: 'Manage a cluster: schedules, watches over nodes, serves the API',
    args: '[discovery...]',
    options: [...MANAGE_OPTIONS, ...tlsFlags],
    footer: `${DISCOVERY_HELP}\n  neither: an etcd of its own, in --data-root`,
    load: manage,
  }
}
