import type { CommandLeaf } from '../../../command.ts'
import { DRY_RUN, flag } from '../../../engine/options.ts'

const watch: CommandLeaf = {
  name: 'watch',
  summary: 'copy files into containers, or build and restart them, when files here change',
  args: '[service...]',
  options: [
    flag('--no-up', 'do not build and start the services before'),
    flag('--no-prune', 'keep the images that others have taken the place of'),
    { flags: '--prune', summary: 'accepted: such images are removed', hidden: true },
    flag('--quiet', 'do not print what the builder says'),
    DRY_RUN,
  ],
  load: async () => (await import('./watch.ts')).runWatch,
}

const exportFiles: CommandLeaf = {
  name: 'export',
  summary: "write the files of a service's container as a tar",
  args: '<service>',
  options: [
    flag('-o, --output <file>', 'write to a file'),
    flag('--index <number>', 'of this replica (default: the first that runs)'),
    DRY_RUN,
  ],
  load: async () => (await import('./export.ts')).runExport,
}

/** Commands for people who work on what the containers hold. */
export function developCommands(): readonly CommandLeaf[] {
  return [watch, exportFiles]
}
