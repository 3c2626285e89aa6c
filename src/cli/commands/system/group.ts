import type { CommandGroup, CommandLeaf, RunCommand } from '../../command.ts'
import { FORCE_YES, FORMAT, flag, flags } from '../../engine/options.ts'

const group = 'The engine:'

const events: CommandLeaf = {
  name: 'events',
  summary: 'show what happens, as it happens',
  group,
  options: [
    flags('-f, --filter <key=value>', 'only those that match'),
    flag('--since <time>', 'from then on: 42m, or a time'),
    flag('--until <time>', 'until then'),
    flag('--format <format>', 'json or a template'),
  ],
  load: async () => (await import('./events.ts')).runEvents,
}

const info = (version: string): CommandLeaf => ({
  name: 'info',
  summary: 'show what the engine says of itself',
  group,
  options: [flag('-f, --format <format>', 'json or a template')],
  load: async () => (await import('./info.ts')).infoCommand(version),
})

const REGISTRY = '[registry]'

/** Verbs on the engine and on registries, as they stand directly below `shoal`. */
export function systemVerbs(version: string): readonly CommandLeaf[] {
  return [
    {
      name: 'inspect',
      summary: 'show all of containers, images, networks and volumes',
      args: '<name...>',
      usage: '[OPTIONS] NAME|ID [NAME|ID...]',
      group,
      options: [
        flag('-f, --format <format>', 'json or a template'),
        flag('-s, --size', 'also sizes of containers'),
        flag('--type <kind>', 'only container, image, network or volume'),
      ],
      load: async () => (await import('./inspect.ts')).runInspect,
    },
    events,
    info(version),
    {
      name: 'version',
      summary: "show our version and the engine's",
      group,
      options: [flag('-f, --format <format>', 'json or a template')],
      load: async (): Promise<RunCommand> => (await import('./version.ts')).versionCommand(version),
    },
    {
      name: 'login',
      summary: 'log in to a registry',
      args: REGISTRY,
      usage: '[OPTIONS] [SERVER]',
      group,
      options: [
        flag('-u, --username <name>', 'name'),
        flag('-p, --password <password>', 'password; others can see it'),
        flag('--password-stdin', 'take the password from standard input'),
      ],
      load: async () => (await import('./login.ts')).runLogin,
    },
    {
      name: 'logout',
      summary: 'forget a login',
      args: REGISTRY,
      usage: '[SERVER]',
      group,
      load: async () => (await import('./login.ts')).runLogout,
    },
  ]
}

/** `shoal system …`. */
export const systemGroup = (version: string): CommandGroup => ({
  name: 'system',
  summary: 'what the disk is used for, and cleaning up',
  group: 'Groups:',
  commands: [
    {
      name: 'df',
      summary: "show what the engine's disk is used for",
      options: [FORMAT, flag('-v, --verbose', 'every image, container and volume')],
      load: async () => (await import('./df.ts')).runDf,
    },
    {
      name: 'prune',
      summary: 'remove what nothing uses',
      options: [
        flag('-a, --all', 'also images with a name'),
        FORCE_YES,
        flag('--volumes', 'also volumes without a name'),
        flags('--filter <key=value>', 'only those that match'),
      ],
      load: async () => (await import('./prune.ts')).runSystemPrune,
    },
    info(version),
    events,
    {
      name: 'dial-stdio',
      summary: 'connect input and output to the manager or engine of this host, for docker over ssh://',
      hidden: true,
      load: async () => (await import('./dial-stdio.ts')).runDialStdio,
    },
  ],
})
