import type { CommandGroup, CommandLeaf, OptionDefinition } from '../../command.ts'
import { containerCommands } from './container-commands.ts'
import { fileCommands } from './file-commands.ts'
import { run } from './one-off/run-command.ts'
import { PROJECT_OPTIONS } from './spec/project-flags.ts'

/** `-f` here is compose's files before the verb; a few verbs have an `-f` of their own. */
const FORMAT: OptionDefinition = { flags: '--format <format>', summary: 'table, json, or a template such as {{.Name}}' }
const DRY_RUN: OptionDefinition = { flags: '--dry-run', summary: 'only print what would be done' }
const TIMEOUT: OptionDefinition = { flags: '-t, --timeout <seconds>', summary: 'how long containers may take to stop' }

const up: CommandLeaf = {
  name: 'up',
  summary: 'create and start the services, or bring them to what the files say now',
  args: '[service...]',
  options: [
    { flags: '-d, --detach', summary: 'return when the services have started' },
    { flags: '--wait', summary: 'return when the services are healthy' },
    { flags: '--wait-timeout <seconds>', summary: 'longest wait (default: 600)' },
    { flags: '--build', summary: 'build images before' },
    { flags: '--no-build', summary: 'do not build images, even missing ones' },
    { flags: '--force-recreate', summary: 'replace containers even if nothing changed' },
    { flags: '--no-recreate', summary: 'accepted for compatibility', hidden: true },
    { flags: '--remove-orphans', summary: 'remove services that the files no longer name' },
    { flags: '--scale <service=number>', summary: 'another number of replicas', repeatable: true },
    { flags: '--no-deps', summary: 'leave dependencies alone' },
    { flags: '--no-color', summary: 'no colours' },
    { flags: '--no-log-prefix', summary: 'do not print names before lines' },
    { flags: '--timestamps', summary: 'show times' },
    TIMEOUT,
    DRY_RUN,
  ],
  load: async () => (await import('./up.ts')).runUp,
}

const plan: CommandLeaf = {
  name: 'plan',
  summary: 'show what up would do',
  args: '[service...]',
  options: [
    { flags: '--force-recreate', summary: 'as with up' },
    { flags: '--remove-orphans', summary: 'as with up' },
    { flags: '--scale <service=number>', summary: 'as with up', repeatable: true },
    { flags: '--no-deps', summary: 'as with up' },
    { flags: '--format <format>', summary: 'text or json' },
  ],
  load: async () => (await import('./up.ts')).runPlan,
}

const down: CommandLeaf = {
  name: 'down',
  summary: 'stop and remove the services and networks',
  options: [
    { flags: '-v, --volumes', summary: 'remove named volumes too, with their data' },
    { flags: '--remove-orphans', summary: 'accepted: all services of the project are removed' },
    { flags: '--wait-timeout <seconds>', summary: 'longest wait (default: 300)' },
    TIMEOUT,
    DRY_RUN,
  ],
  load: async () => (await import('./down.ts')).runDown,
}

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
    commands: [up, plan, down, ps, logs, run, ...fileCommands(), ...containerCommands(), ls, version(versionText)],
  }
}
