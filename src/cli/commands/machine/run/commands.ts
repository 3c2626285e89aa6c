import type { MachineLeaf } from '../machine-command.ts'
import { ASK_SUDO_PASS } from '../machine-options.ts'

export const runCommands: readonly MachineLeaf[] = [
  {
    name: 'ssh',
    summary: 'Log in to a machine, or run a command on machines',
    args: '[names] [command...]',
    usage: '[OPTIONS] [NAME[,NAME...]] [COMMAND] [ARG...]',
    passThrough: true,
    options: [{ flags: '-t, --tty', summary: 'with a terminal even for a command' }],
    footer: `Flags behind the name are those of ssh. Ends with the exit code of the command.
  machine ssh n1
  machine ssh n1,n2 'uptime; df -h /'`,
    run: async () => (await import('./ssh.ts')).runSsh,
  },
  {
    name: 'exec',
    summary: 'Run a command on machines, its words as they are',
    args: '<names> [command...]',
    usage: '[OPTIONS] NAME[,NAME...] COMMAND [ARG...]',
    passThrough: true,
    options: [{ flags: '-a, --all', summary: 'on all machines; then no name is given' }],
    footer: `Ends with the exit code of the first, in the order of the names, that is not 0.
  machine exec n1,n2 systemctl restart nginx
  machine exec --all df -h /`,
    run: async () => (await import('./exec.ts')).runExec,
  },
  {
    name: 'scp',
    summary: 'Copy files to, from and between machines',
    args: '<source> <target>',
    options: [
      { flags: '-r, --recursive', summary: 'folders with what is in them' },
      { flags: '-d, --delta', summary: 'only what differs, by rsync' },
      { flags: '-q, --quiet', summary: 'do not show how far it is' },
    ],
    footer: `Both are [user@]machine:path, localhost:path, or a path of this machine.
  machine scp -r ./site n1:/srv`,
    run: async () => (await import('./scp.ts')).runScp,
  },
  {
    name: 'mount',
    summary: 'Mount a folder of a machine, by sshfs',
    args: '<source> [mountpoint]',
    options: [{ flags: '-u, --unmount', summary: 'take it away again' }],
    run: async () => (await import('./mount.ts')).runMount,
  },
  {
    name: 'logs',
    summary: 'Show what the services of Shoal on machines say',
    args: '[name...]',
    options: [
      { flags: '-f, --follow', summary: 'go on as more is said' },
      { flags: '-n, --tail <lines>', summary: 'so many from the end (default: 100)' },
      ASK_SUDO_PASS,
    ],
    run: async () => (await import('./logs.ts')).runLogs,
  },
]
