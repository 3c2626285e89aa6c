import type { MachineLeaf } from '../machine-command.ts'
import { DRY_RUN } from '../machine-options.ts'

export const shareCommands: readonly MachineLeaf[] = [
  {
    name: 'export',
    summary: 'Write machines to a file for somebody else',
    args: '[name...]',
    options: [
      { flags: '-o, --output <file>', summary: 'the file (default: standard output)' },
      { flags: '--with-keys', summary: 'with private keys and secrets, sealed with a passphrase' },
    ],
    footer: `Keys of SSH that lie elsewhere than in the store never are.
  machine export -o lab.json m1 w1 && scp lab.json ann@her-computer:`,
    run: async () => (await import('./export.ts')).runExport,
  },
  {
    name: 'import',
    summary: "Take machines over from docker-machine's store, or from a file of export",
    args: '[source]',
    options: [{ flags: '-f, --force', summary: 'have machines take the place of others of their names' }, DRY_RUN],
    footer:
      'Without a source: ~/.docker/machine. Nothing is changed there, nor on the hosts.\nMachines that are here already, the same, are left as they are.',
    run: async () => (await import('./import.ts')).runImport,
  },
]
