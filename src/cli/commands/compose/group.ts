import type { CommandGroup, CommandLeaf, OptionDefinition, RunCommand } from '../../command.ts'
import { containerCommands } from './container-commands.ts'
import { developCommands } from './develop/develop-commands.ts'
import { fileCommands } from './file-commands.ts'
import { imageCommands } from './images/image-commands.ts'
import { lookCommands } from './look/look-commands.ts'
import { run } from './one-off/run-command.ts'
import { removalCommands } from './removal/removal-commands.ts'
import { PROJECT_OPTIONS } from './spec/project-flags.ts'
import { upCommands } from './up/up-command.ts'

/** `-f` here is compose's files before the verb; a few verbs have an `-f` of their own. */
const FORMAT: OptionDefinition = { flags: '--format <format>', summary: 'table, json, or a template such as {{.Name}}' }

const ps: CommandLeaf = {
  name: 'ps',
  summary: 'list the containers, and the hosts they run on',
  args: '[service...]',
  options: [
    { flags: '-a, --all', summary: 'show those that have ended too' },
    { flags: '-q, --quiet', summary: 'only print ids' },
    { flags: '--services', summary: 'only print the names of services' },
    { flags: '--status <status>', summary: 'only containers in this state', repeatable: true },
    { flags: '--filter <filter>', summary: 'status=<status>', repeatable: true },
    { flags: '--no-trunc', summary: 'do not shorten' },
    { flags: '--orphans', summary: 'accepted: orphans are always shown', hidden: true },
    FORMAT,
  ],
  load: async () => (await import('./ps.ts')).runPs,
}

const logs: CommandLeaf = {
  name: 'logs',
  summary: 'show what the containers wrote, over all hosts',
  args: '[service...]',
  options: [
    { flags: '-f, --follow', summary: 'go on until Ctrl-C, with containers that start later' },
    { flags: '-n, --tail <lines>', summary: 'only the last lines of each container' },
    { flags: '--since <time>', summary: 'only from this time on (2026-01-02T15:04:05Z, or 10m)' },
    { flags: '--until <time>', summary: 'only up to this time' },
    { flags: '-t, --timestamps', summary: 'show times' },
    { flags: '--index <number>', summary: 'only this replica' },
    { flags: '--no-color', summary: 'no colours' },
    { flags: '--no-log-prefix', summary: 'do not print names before lines' },
  ],
  load: async () => (await import('./logs.ts')).runLogs,
}

const ls: CommandLeaf = {
  name: 'ls',
  summary: 'list the projects of the cluster',
  options: [
    { flags: '-a, --all', summary: 'show stopped ones too' },
    { flags: '-q, --quiet', summary: 'only print names' },
    { flags: '--filter <filter>', summary: 'name=<text>', repeatable: true },
    FORMAT,
  ],
  load: async () => (await import('./ls.ts')).runLs,
}

function version(text: string): CommandLeaf {
  return {
    name: 'version',
    summary: 'print the version',
    options: [
      { flags: '--short', summary: 'only the number' },
      { flags: '-f, --format <format>', summary: 'pretty or json' },
    ],
    load: async () => (await import('./version.ts')).versionCommand(text),
  }
}

/** The `compose` family: docker compose's verbs, over many hosts. */
export function composeGroup(versionText: string): CommandGroup {
  return {
    name: 'compose',
    summary: 'Runs the services of compose files over the hosts of a cluster',
    options: PROJECT_OPTIONS,
    commands: everyCommand(versionText).map(heedDryRun),
  }
}

function everyCommand(versionText: string): readonly CommandLeaf[] {
  return [
    ...upCommands(),
    ...removalCommands(),
    ps,
    logs,
    run,
    ...fileCommands(),
    ...imageCommands(),
    ...containerCommands(),
    ...lookCommands(),
    ...developCommands(),
    ls,
    version(versionText),
  ]
}

/** `compose --dry-run up` is `compose up --dry-run`, as with docker compose. */
function heedDryRun(leaf: CommandLeaf): CommandLeaf {
  const load = async (): Promise<RunCommand> => {
    const run = await leaf.load()
    return (invocation, context) => {
      const { options, globals } = invocation
      const flag = (name: string): boolean => options.flag(name) || (name === 'dryRun' && globals.flag(name))
      return run({ ...invocation, options: { ...options, flag } }, context)
    }
  }
  return { ...leaf, load }
}
