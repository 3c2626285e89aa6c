import { STEP_NAMES } from '../../../../machine/index.ts'
import type { MachineLeaf } from '../machine-command.ts'
import { CREATE_OPTIONS, PROVISION_OPTIONS } from './create-options.ts'

export const makeCommands: readonly MachineLeaf[] = [
  {
    name: 'create',
    summary: 'Make a machine, or change one to what is wanted now',
    args: '<name>',
    options: CREATE_OPTIONS,
    footer: `Run again it goes on where it stopped, and changes nothing when nothing is to be done. Its steps:
${STEP_NAMES.join(', ')}.
  machine create --host root@10.0.0.1 n1                            # an engine of its own
  machine create --host root@10.0.0.1 --swarm --swarm-master m1     # a manager that runs containers too
  machine create --host admin@10.0.0.2 --swarm --ask-sudo-pass w1   # joins it`,
    run: async () => (await import('./create.ts')).runCreate,
  },
  {
    name: 'apply',
    summary: 'Make the machines of a file, or change them to what it says',
    options: [
      { flags: '-f, --file <path>', summary: 'the file; - is standard input' },
      { flags: '--parallel <number>', summary: 'so many at a time (default: 8)' },
      ...PROVISION_OPTIONS,
    ],
    footer: `The file has flags of create under the names of machines, and for all of them under "defaults":
  defaults: { generic-ssh-user: admin }
  hosts:
    m1: { host: 10.0.0.1, swarm: true, swarm-master: true }
    w1: { host: 10.0.0.2, swarm: true, engine-label: [rack=a] }`,
    run: async () => (await import('./apply.ts')).runApply,
  },
  {
    name: 'provision',
    summary: 'Run the steps of create again on machines that are there',
    args: '[name...]',
    options: PROVISION_OPTIONS,
    run: async () => (await import('./create.ts')).runProvision,
  },
]
