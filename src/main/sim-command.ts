import type { CommandLeaf } from '../cli/index.ts'

/** `shoal sim`: the control plane against itself. */
export const simCommand: CommandLeaf = {
  name: 'sim',
  summary: 'Run managers and agents through simulated faults, on virtual time',
  options: [
    { flags: '--seed <number>', summary: 'the run to repeat (default: a new one, which is printed)' },
    { flags: '--nodes <number>', summary: 'hosts (default: 50)' },
    { flags: '--managers <number>', summary: 'managers (default: 2)' },
    { flags: '--steps <number>', summary: 'faults and changes (default: 100)' },
    { flags: '--log', summary: 'print every event, also if all goes well' },
  ],
  footer: 'Example: shoal sim --seed 7 --nodes 50',
  load: async () => (await import('./sim.ts')).runSim,
}
