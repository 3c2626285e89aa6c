import type { CommandDefinition, CommandGroup, CommandLeaf, OptionDefinition } from '../../command.ts'
import { FILTER, FORCE_YES, FORMAT, flag, flags, NO_TRUNC, QUIET, refused } from '../../engine/options.ts'
import { CREATE_OPTIONS } from './create/create-options.ts'
import { ATTACH_OPTIONS, COMMIT_OPTIONS, DETACH_KEYS, SIG_PROXY } from './shared-options.ts'

const group = 'Containers:'

const CHECKPOINTS = 'is not supported: containers are started anew, never from a checkpoint'

const SIGNAL = flag('-s, --signal <signal>', 'which signal')
const TIMEOUT: readonly OptionDefinition[] = [
  SIGNAL,
  flag('-t, --timeout <seconds>', 'how long it may take to stop'),
  { flags: '--time <seconds>', summary: 'same as --timeout', hidden: true },
]
const PULL: readonly OptionDefinition[] = [
  flag('--pull <when>', 'pull the image: always, missing or never (default: missing)'),
  flag('-q, --quiet', 'do not show the pull'),
  flag('--platform <platform>', 'platform of the image'),
  flag('--cidfile <path>', "write the container's id here"),
]

const run: CommandLeaf = {
  name: 'run',
  summary: 'make and start a container',
  args: '<image> [command...]',
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  passThrough: true,
  usageCode: 125,
  group,
  options: [flag('-d, --detach', 'leave it in the background'), DETACH_KEYS, SIG_PROXY, ...PULL, ...CREATE_OPTIONS],
  load: async () => (await import('./run.ts')).runRun,
}

const create: CommandLeaf = {
  name: 'create',
  summary: 'make a container',
  args: '<image> [command...]',
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  passThrough: true,
  usageCode: 125,
  group,
  options: [...PULL, ...CREATE_OPTIONS],
  load: async () => (await import('./run.ts')).runCreate,
}

const exec: CommandLeaf = {
  name: 'exec',
  summary: 'run a command in a container',
  args: '<container> <command...>',
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  passThrough: true,
  group,
  options: [
    flag('-d, --detach', 'do not wait for it'),
    flag('-i, --interactive', 'give it our input'),
    flag('-t, --tty', 'give it a terminal'),
    flags('-e, --env <name[=value]>', 'set a variable, or pass ours on'),
    flags('--env-file <path>', 'a file of variables'),
    flag('-u, --user <user>', 'run as this user'),
    flag('-w, --workdir <directory>', 'run in this directory'),
    flag('--privileged', 'with all rights'),
    DETACH_KEYS,
  ],
  load: async () => (await import('./exec.ts')).runExec,
}

const ps: CommandLeaf = {
  name: 'ps',
  aliases: ['ls', 'list'],
  summary: 'list containers',
  group,
  options: [
    flag('-a, --all', 'also those that do not run'),
    FILTER,
    FORMAT,
    flag('-n, --last <number>', 'the last ones made'),
    flag('-l, --latest', 'the last one made'),
    NO_TRUNC,
    QUIET,
    flag('-s, --size', 'also sizes'),
  ],
  load: async () => (await import('./ps.ts')).runPs,
}

/** A command on containers whose work is in `lifecycle.ts`. */
function simple(
  name: string,
  summary: string,
  options: readonly OptionDefinition[],
  load: CommandLeaf['load'],
): CommandLeaf {
  return { name, summary, args: '<container...>', group, options, load }
}

const lifecycle: readonly CommandLeaf[] = [
  {
    name: 'start',
    summary: 'start containers',
    args: '<container...>',
    group,
    options: [
      flag('-a, --attach', 'show its output'),
      flag('-i, --interactive', 'give it our input'),
      DETACH_KEYS,
      SIG_PROXY,
      refused('--checkpoint <name>', CHECKPOINTS),
      refused('--checkpoint-dir <path>', CHECKPOINTS),
    ],
    load: async () => (await import('./attach.ts')).runStart,
  },
  simple('stop', 'stop containers', TIMEOUT, async () => (await import('./lifecycle.ts')).runStop),
  simple('restart', 'restart containers', TIMEOUT, async () => (await import('./lifecycle.ts')).runRestart),
  simple('kill', 'send a signal to containers', [SIGNAL], async () => (await import('./lifecycle.ts')).runKill),
  simple('pause', 'pause containers', [], async () => (await import('./lifecycle.ts')).runPause),
  simple('unpause', 'let paused containers go on', [], async () => (await import('./lifecycle.ts')).runUnpause),
  simple('wait', 'wait until containers end', [], async () => (await import('./lifecycle.ts')).runWait),
  {
    ...simple(
      'rm',
      'remove containers',
      [
        flag('-f, --force', 'also if they run'),
        flag('-v, --volumes', 'and their volumes without a name'),
        flag('-l, --link', 'remove the link'),
      ],
      async () => (await import('./lifecycle.ts')).runRm,
    ),
    aliases: ['remove'],
  },
]

const attach: CommandLeaf = {
  name: 'attach',
  summary: 'talk to a container that runs',
  args: '<container>',
  group,
  options: ATTACH_OPTIONS,
  load: async () => (await import('./attach.ts')).runAttach,
}

const logs: CommandLeaf = {
  name: 'logs',
  summary: 'show what a container wrote',
  args: '<container>',
  group,
  options: [
    flag('-f, --follow', 'and what it writes from now on'),
    flag('-n, --tail <lines>', 'only so many lines from the end'),
    flag('-t, --timestamps', 'with times'),
    flag('--since <time>', 'from then on: 42m, or a time'),
    flag('--until <time>', 'until then'),
    flag('--details', 'with extra attributes'),
  ],
  load: async () => (await import('./logs.ts')).runLogs,
}

const cp: CommandLeaf = {
  name: 'cp',
  summary: 'copy files between a container and here',
  args: '<source> <target>',
  usage: '[OPTIONS] [CONTAINER:]SRC_PATH|- [CONTAINER:]DEST_PATH|-',
  group,
  options: [
    flag('-a, --archive', 'keep owners'),
    flag('-L, --follow-link', 'copy what a link leads to'),
    flag('-q, --quiet', 'say nothing'),
  ],
  footer: 'One of both is CONTAINER:PATH; - is a tar on standard input or output.',
  load: async () => (await import('./cp.ts')).runCp,
}

const views: readonly CommandLeaf[] = [
  {
    name: 'top',
    summary: 'show the processes of a container',
    args: '<container> [ps-arguments...]',
    usage: 'CONTAINER [ps OPTIONS]',
    passThrough: true,
    group,
    load: async () => (await import('./small-views.ts')).runTop,
  },
  {
    name: 'stats',
    summary: 'show what containers use',
    args: '[container...]',
    group,
    options: [flag('-a, --all', 'also those that do not run'), FORMAT, flag('--no-stream', 'once'), NO_TRUNC],
    load: async () => (await import('./stats.ts')).runStats,
  },
  {
    name: 'diff',
    summary: "show how a container's files differ from its image's",
    args: '<container>',
    group,
    load: async () => (await import('./small-views.ts')).runDiff,
  },
  {
    name: 'port',
    summary: 'show where ports of a container are published',
    args: '<container> [port]',
    usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
    group,
    load: async () => (await import('./small-views.ts')).runPort,
  },
]

const UPDATABLE =
  /--(memory|memory-reservation|memory-swap|cpus|cpu-shares|cpu-period|cpu-quota|cpu-rt-period|cpu-rt-runtime|cpuset-cpus|cpuset-mems|pids-limit|blkio-weight|restart) </

const changes: readonly CommandLeaf[] = [
  {
    name: 'rename',
    summary: 'rename a container',
    args: '<container> <name>',
    usage: 'CONTAINER NEW_NAME',
    group,
    load: async () => (await import('./lifecycle.ts')).runRename,
  },
  {
    name: 'update',
    summary: 'change limits of containers',
    args: '<container...>',
    group,
    options: CREATE_OPTIONS.filter(({ flags: text }) => UPDATABLE.test(text)),
    load: async () => (await import('./update.ts')).runUpdate,
  },
  {
    name: 'commit',
    summary: 'make an image of a container',
    args: '<container> [image]',
    usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
    group,
    options: COMMIT_OPTIONS,
    load: async () => (await import('./commit.ts')).runCommit,
  },
  {
    name: 'export',
    summary: 'write the files of a container as a tar',
    args: '<container>',
    group,
    options: [flag('-o, --output <path>', 'to a file instead of standard output')],
    load: async () => (await import('./cp.ts')).runExport,
  },
]

/** Verbs on containers, as they stand directly below `shoal`. */
export const containerVerbs: readonly CommandLeaf[] = [
  run,
  create,
  exec,
  { ...ps, aliases: [] },
  ...lifecycle.map(leaf => ({ ...leaf, aliases: [] })),
  attach,
  logs,
  cp,
  ...views,
  ...changes,
]

const only: readonly CommandDefinition[] = [
  {
    name: 'inspect',
    summary: 'show all of containers',
    args: '<container...>',
    options: [flag('-f, --format <format>', 'json or a template'), flag('-s, --size', 'also sizes')],
    load: async () => (await import('../system/inspect.ts')).inspectKind('container'),
  },
  {
    name: 'prune',
    summary: 'remove all containers that do not run',
    options: [FORCE_YES, flags('--filter <key=value>', 'only those that match')],
    load: async () => (await import('../system/prune.ts')).pruneKind('container'),
  },
]

/** `shoal container …`: the same, and what is only there. */
export const containerGroup: CommandGroup = {
  name: 'container',
  summary: 'manage containers',
  group: 'Groups:',
  commands: [
    run,
    create,
    exec,
    { ...ps, name: 'ls', aliases: ['ps', 'list'] },
    ...lifecycle,
    attach,
    logs,
    cp,
    ...views,
    ...changes,
    ...only,
  ],
}
