import type { CommandLeaf } from '../../command.ts'
import { DRY_RUN } from '../../engine/options.ts'

const exec: CommandLeaf = {
  name: 'exec',
  summary: 'run a command in a running container',
  args: '<service> <command...>',
  passThrough: true,
  options: [
    { flags: '-d, --detach', summary: 'do not wait for the command' },
    { flags: '-e, --env <key=value>', summary: 'set a variable', repeatable: true },
    { flags: '-u, --user <user>', summary: 'run as this user' },
    { flags: '-w, --workdir <directory>', summary: 'run in this directory' },
    { flags: '-T, --no-tty', summary: 'no terminal, even if there is one' },
    { flags: '--no-TTY', summary: 'same as --no-tty', hidden: true },
    { flags: '--index <number>', summary: 'in this replica (default: the lowest that runs)' },
    { flags: '--privileged', summary: 'with all rights' },
    DRY_RUN,
  ],
  load: async () => (await import('./exec.ts')).runExec,
}

const stop: CommandLeaf = {
  name: 'stop',
  summary: 'stop the containers of services; start brings them back',
  args: '[service...]',
  options: [{ flags: '-t, --timeout <seconds>', summary: 'kill containers that take longer to stop' }, DRY_RUN],
  load: async () => (await import('./change-replicas.ts')).runStop,
}

const start: CommandLeaf = {
  name: 'start',
  summary: 'start services that were stopped',
  args: '[service...]',
  options: [DRY_RUN],
  load: async () => (await import('./change-replicas.ts')).runStart,
}

const scale: CommandLeaf = {
  name: 'scale',
  summary: 'change the number of replicas: web=3',
  args: '<service=number...>',
  options: [{ flags: '--no-deps', summary: 'accepted: nothing else is started', hidden: true }, DRY_RUN],
  load: async () => (await import('./change-replicas.ts')).runScale,
}

const restart: CommandLeaf = {
  name: 'restart',
  summary: 'restart the containers of services where they are',
  args: '[service...]',
  options: [
    { flags: '-t, --timeout <seconds>', summary: 'how long they may take to stop' },
    { flags: '--no-deps', summary: 'on one engine, not what says that it restarts with them' },
    DRY_RUN,
  ],
  load: async () => (await import('./containers.ts')).runRestart,
}

const kill: CommandLeaf = {
  name: 'kill',
  summary: 'send a signal to the containers of services',
  args: '[service...]',
  options: [{ flags: '-s, --signal <signal>', summary: 'which one (default: SIGKILL)' }, DRY_RUN],
  load: async () => (await import('./containers.ts')).runKill,
}

const pause: CommandLeaf = {
  name: 'pause',
  summary: 'pause the containers of services',
  args: '[service...]',
  options: [DRY_RUN],
  load: async () => (await import('./containers.ts')).runPause,
}

const unpause: CommandLeaf = {
  name: 'unpause',
  summary: 'let paused containers go on',
  args: '[service...]',
  options: [DRY_RUN],
  load: async () => (await import('./containers.ts')).runUnpause,
}

/** Commands that act on what runs already. */
export function containerCommands(): readonly CommandLeaf[] {
  return [exec, stop, start, restart, scale, kill, pause, unpause]
}
