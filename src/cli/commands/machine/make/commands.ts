import type { MachineLeaf } from '../machine-command.ts'
import { CREATE_OPTIONS, PROVISION_OPTIONS } from './create-options.ts'

const GROUP = 'Make machines:'

export const makeCommands: readonly MachineLeaf[] = [
  {
    name: 'create',
    group: GROUP,
    summary: 'Make a machine, or change one to what is wanted now',
    args: '<name>',
    options: CREATE_OPTIONS,
    footer: 'Run again it goes on where it stopped, and changes nothing when nothing is to be done.',
    run: async () => (await import('./create.ts')).runCreate,
  },
  {
    name: 'provision',
    group: GROUP,
    summary: 'Run the steps of create again on machines that are there',
    args: '[name...]',
    options: PROVISION_OPTIONS,
    run: async () => (await import('./create.ts')).runProvision,
  },
]
