import type { OptionDefinition } from '../../../command.ts'
import type { MachineLeaf } from '../machine-command.ts'
import { ASK_SUDO_PASS, DRY_RUN, JSON_LINES, LIST_FORMAT } from '../machine-options.ts'
import { PROVISION_OPTIONS } from '../make/create-options.ts'

const NODE_VERBS = [
  ['cordon', 'Give machines of a cluster nothing new to run'],
  ['drain', 'Move the tasks of services away from machines'],
  ['uncordon', 'Have machines take part in their cluster again'],
] as const
const POWER = () => import('./power.ts')
const POWER_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--parallel <number>', summary: 'so many at a time (default: 8)' },
  { flags: '-t, --timeout <seconds>', summary: 'how long each may take (default: 1200)' },
  DRY_RUN,
]

const SNAPSHOT = () => import('./snapshot.ts')

/** `machine snapshot` */
export const snapshotCommands: readonly MachineLeaf[] = [
  {
    name: 'create',
    summary: 'Keep a machine as it is now: its disk, and its memory if it runs',
    args: '<name> <snapshot>',
    options: [DRY_RUN],
    run: async () => (await SNAPSHOT()).runSnapshotCreate,
  },
  {
    name: 'ls',
    summary: 'List the snapshots of a machine',
    args: '<name>',
    options: [{ flags: '-q, --quiet', summary: 'names only' }, LIST_FORMAT, JSON_LINES],
    run: async () => (await SNAPSHOT()).runSnapshotLs,
  },
  {
    name: 'restore',
    summary: 'Have a machine be again as it was; what was done since is lost',
    args: '<name> <snapshot>',
    options: [DRY_RUN],
    run: async () => (await SNAPSHOT()).runSnapshotRestore,
  },
  {
    name: 'rm',
    summary: 'Remove a snapshot',
    args: '<name> <snapshot>',
    options: [DRY_RUN],
    run: async () => (await SNAPSHOT()).runSnapshotRm,
  },
]

export const changeCommands: readonly MachineLeaf[] = [
  {
    name: 'start',
    summary: 'Start machines',
    args: '[name...]',
    options: POWER_OPTIONS,
    run: async () => (await POWER()).runStart,
  },
  {
    name: 'stop',
    summary: 'Stop machines, in order',
    args: '[name...]',
    options: POWER_OPTIONS,
    run: async () => (await POWER()).runStop,
  },
  {
    name: 'kill',
    summary: 'Stop machines at once',
    args: '[name...]',
    options: POWER_OPTIONS,
    run: async () => (await POWER()).runKill,
  },
  {
    name: 'restart',
    summary: 'Stop and start machines',
    args: '[name...]',
    options: [...POWER_OPTIONS, ASK_SUDO_PASS],
    footer: 'A host behind SSH is told to restart, and waited for until it runs again, 15 minutes at most.',
    run: async () => (await POWER()).runRestart,
  },
  {
    name: 'rm',
    summary: 'Remove machines, and forget them',
    args: '<name...>',
    options: [
      { flags: '-f, --force', summary: 'forget them even if they are dead; asks nothing' },
      { flags: '-y, --yes', summary: 'ask nothing' },
      { flags: '--data', summary: 'with their containers, images and volumes' },
      ASK_SUDO_PASS,
      DRY_RUN,
    ],
    footer:
      'A member is drained and leaves its cluster first, and Shoal is removed from the host. Made machines are deleted.',
    run: async () => (await import('./rm.ts')).runRm,
  },
  {
    name: 'upgrade',
    summary: 'Bring machines to this version, one after another',
    args: '[name...]',
    options: [
      { flags: '-a, --all', summary: 'all machines that are reached over SSH; then no name is given' },
      { flags: '--keep-tasks', summary: 'do not move tasks away first' },
      ...PROVISION_OPTIONS,
    ],
    footer:
      'Containers go on. Stops at the first machine that fails. With --dry-run and no names it is said of all machines.',
    run: async () => (await import('./upgrade.ts')).runUpgrade,
  },
  {
    name: 'rename',
    summary: 'Give a machine of no cluster another name',
    args: '<name> <new-name>',
    options: [DRY_RUN],
    footer:
      'Its engine is called so, too, once `machine provision` has run. A member is removed and created again instead.',
    run: async () => (await import('./rename.ts')).runRename,
  },
  {
    name: 'set-address',
    summary: 'Say where a machine is now',
    args: '<name> <address>',
    options: [{ flags: '-f, --force', summary: 'without looking whether it is the same host' }, DRY_RUN],
    footer: 'Then `machine provision` tells its cluster, or has its certificate be for the new address.',
    run: async () => (await import('./rename.ts')).runSetAddress,
  },
  {
    name: 'regenerate-certs',
    summary: 'Make keys and certificates of machines anew, and yours for clusters',
    args: '[name...]',
    options: [
      { flags: '-f, --force', summary: 'ask nothing' },
      { flags: '--client-certs', summary: 'yours for engines in no cluster too; for clusters it is always yours' },
      ...PROVISION_OPTIONS,
    ],
    footer: `Yours comes with \`create\` and is renewed when it is used. Those of members are renewed in time by themselves, those of engines in no
cluster by \`provision\`, once two thirds of their 1080 days are over.`,
    run: async () => (await import('../certs/regenerate-certs.ts')).runRegenerateCerts,
  },
  ...NODE_VERBS.map(
    ([name, summary]): MachineLeaf => ({
      name,
      summary,
      args: '[name...]',
      options: [ASK_SUDO_PASS, DRY_RUN],
      run: async () => {
        const { runCordon, runDrain, runUncordon } = await import('../cluster/node-verbs.ts')
        return name === 'cordon' ? runCordon : name === 'drain' ? runDrain : runUncordon
      },
    }),
  ),
]
