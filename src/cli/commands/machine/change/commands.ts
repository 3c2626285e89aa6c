import type { MachineLeaf } from '../group.ts'
import { DRY_RUN } from '../machine-options.ts'

const GROUP = 'Change machines:'
const POWER = () => import('./power.ts')

export const changeCommands: readonly MachineLeaf[] = [
  {
    name: 'start',
    group: GROUP,
    summary: 'Start machines',
    args: '[name...]',
    options: [DRY_RUN],
    run: async () => (await POWER()).runStart,
  },
  {
    name: 'stop',
    group: GROUP,
    summary: 'Stop machines, in order',
    args: '[name...]',
    options: [DRY_RUN],
    run: async () => (await POWER()).runStop,
  },
  {
    name: 'kill',
    group: GROUP,
    summary: 'Stop machines at once',
    args: '[name...]',
    options: [DRY_RUN],
    run: async () => (await POWER()).runKill,
  },
  {
    name: 'restart',
    group: GROUP,
    summary: 'Stop and start machines',
    args: '[name...]',
    options: [DRY_RUN],
    run: async () => (await POWER()).runRestart,
  },
  {
    name: 'rm',
    group: GROUP,
    summary: 'Remove machines, and forget them',
    args: '<name...>',
    options: [
      { flags: '-f, --force', summary: 'forget them even if they are dead; asks nothing' },
      { flags: '-y, --yes', summary: 'ask nothing' },
      DRY_RUN,
    ],
    run: async () => (await import('./rm.ts')).runRm,
  },
]
