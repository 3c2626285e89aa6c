import type { CommandLeaf } from '../../../command.ts'
import { DRY_RUN, FORMAT, flag, NO_TRUNC } from '../../../engine/options.ts'

const INDEX = flag('--index <number>', 'of this replica (default: the first that runs)')

const port: CommandLeaf = {
  name: 'port',
  summary: 'print where a port of a service is answered',
  args: '<service> <port>',
  options: [flag('--protocol <protocol>', 'tcp or udp (default: tcp)'), INDEX],
  load: async () => (await import('./port.ts')).runPort,
}

const top: CommandLeaf = {
  name: 'top',
  summary: 'list the processes of the containers',
  args: '[service...]',
  load: async () => (await import('./top.ts')).runTop,
}

const images: CommandLeaf = {
  name: 'images',
  summary: 'list the images that the containers were made of',
  args: '[service...]',
  options: [FORMAT, flag('-q, --quiet', 'only print ids')],
  load: async () => (await import('./images.ts')).runImages,
}

const events: CommandLeaf = {
  name: 'events',
  summary: 'show what happens to the containers, on all hosts',
  args: '[service...]',
  options: [
    flag('--json', 'one JSON object a line'),
    flag('--since <time>', 'from this time on (2026-01-02T15:04:05Z, or 10m)'),
    flag('--until <time>', 'up to this time'),
  ],
  load: async () => (await import('./events.ts')).runEvents,
}

const stats: CommandLeaf = {
  name: 'stats',
  summary: 'show what the containers use',
  args: '[service...]',
  options: [flag('--no-stream', 'only once'), NO_TRUNC, FORMAT, flag('-a, --all', 'also those that do not run')],
  load: async () => (await import('./stats.ts')).runStats,
}

const wait: CommandLeaf = {
  name: 'wait',
  summary: 'wait until the containers of services have ended; ends with their exit code',
  args: '<service...>',
  options: [flag('--down-project', 'take the project down then')],
  load: async () => (await import('./wait.ts')).runWait,
}

const cp: CommandLeaf = {
  name: 'cp',
  summary: 'copy files into the replicas of a service, or out of one',
  args: '<from> <to>',
  usage: '[OPTIONS] SERVICE:PATH PATH|- | PATH|- SERVICE:PATH',
  options: [
    INDEX,
    flag('-a, --archive', 'keep owners and groups'),
    flag('-L, --follow-link', 'copy what links of the source lead to'),
    flag('--all', 'also containers that run has made'),
    DRY_RUN,
  ],
  load: async () => (await import('./cp.ts')).runCp,
}

const volumes: CommandLeaf = {
  name: 'volumes',
  summary: 'list the volumes of the project, or of services',
  args: '[service...]',
  options: [FORMAT, flag('-q, --quiet', 'only print names')],
  load: async () => (await import('./volumes.ts')).runVolumes,
}

/** Commands that look at what runs, or into it. */
export function lookCommands(): readonly CommandLeaf[] {
  return [port, top, images, volumes, stats, events, wait, cp]
}
