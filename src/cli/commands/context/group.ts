import type { CommandGroup, OptionDefinition } from '../../command.ts'
import { FORMAT, flag, flags } from '../../engine/options.ts'
import { DOCKER_FLAG } from './docker-flag.ts'

const ENDPOINT = flags(
  DOCKER_FLAG,
  'the engine: host=ADDRESS,ca=FILE,cert=FILE,key=FILE,skip-tls-verify=BOOL, or from=CONTEXT',
)
const DESCRIPTION: OptionDefinition = flag('--description <text>', 'what it is')
const NAME = '<context>'

/** `shoal context …`: docker's contexts, in docker's files. */
export const contextGroup: CommandGroup = {
  name: 'context',
  summary: 'names for engines and managers, shared with docker',
  group: 'Groups:',
  commands: [
    {
      name: 'create',
      summary: 'make a context',
      args: NAME,
      options: [DESCRIPTION, ENDPOINT, flag('--from <context>', 'copy that one')],
      footer: 'Example: shoal context create lab --docker host=ssh://admin@lab.example.org',
      load: async () => (await import('./change.ts')).runCreate,
    },
    {
      name: 'ls',
      aliases: ['list'],
      summary: 'list contexts',
      options: [FORMAT, flag('-q, --quiet', 'only names')],
      load: async () => (await import('./look.ts')).runList,
    },
    {
      name: 'use',
      summary: 'use a context from now on, in docker too',
      args: NAME,
      load: async () => (await import('./change.ts')).runUse,
    },
    {
      name: 'show',
      summary: 'print the name of the context that is used',
      load: async () => (await import('./look.ts')).runShow,
    },
    {
      name: 'inspect',
      summary: 'show all of contexts',
      args: '[context...]',
      options: [flag('-f, --format <format>', 'json or a template')],
      load: async () => (await import('./look.ts')).runInspect,
    },
    {
      name: 'update',
      summary: 'change a context',
      args: NAME,
      options: [DESCRIPTION, ENDPOINT],
      load: async () => (await import('./change.ts')).runUpdate,
    },
    {
      name: 'rm',
      aliases: ['remove'],
      summary: 'remove contexts',
      args: '<context...>',
      options: [flag('-f, --force', 'even the one that is in use')],
      load: async () => (await import('./change.ts')).runRemove,
    },
    {
      name: 'export',
      summary: 'write a context with its keys to a tar file',
      args: '<context> [file]',
      usage: 'CONTEXT [FILE|-]',
      load: async () => (await import('./transfer.ts')).runExport,
    },
    {
      name: 'import',
      summary: 'make a context of a tar or zip file',
      args: '<context> <file>',
      usage: 'CONTEXT FILE|-',
      load: async () => (await import('./transfer.ts')).runImport,
    },
  ],
}
