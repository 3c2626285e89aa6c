import type { CommandLeaf } from '../../../command.ts'
import { DRY_RUN, flag } from '../../../engine/options.ts'

const down: CommandLeaf = {
  name: 'down',
  summary: 'stop and remove the services and networks, or only the named services',
  args: '[service...]',
  options: [
    flag('-v, --volumes', 'remove named volumes too, with their data'),
    flag('--rmi <which>', 'remove images too: all, or local (built, without a name of their own)'),
    flag('--remove-orphans', 'on one engine, also containers of services that the files no longer name'),
    flag('--wait-timeout <seconds>', 'longest wait (default: 300)'),
    flag('-t, --timeout <seconds>', 'kill containers that take longer to stop'),
    DRY_RUN,
  ],
  load: async () => (await import('./down.ts')).runDown,
}

const rm: CommandLeaf = {
  name: 'rm',
  summary: 'remove services that do not run; up brings them back',
  args: '[service...]',
  options: [
    flag('-f, --force', 'do not ask'),
    flag('-s, --stop', 'also those that run'),
    flag('-v, --volumes', 'on one engine, also volumes without a name; a cluster removes them anyway'),
    DRY_RUN,
  ],
  load: async () => (await import('./rm.ts')).runRm,
}

/** Commands that take away. */
export function removalCommands(): readonly CommandLeaf[] {
  return [down, rm]
}
