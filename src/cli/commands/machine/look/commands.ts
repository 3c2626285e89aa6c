import type { OptionDefinition } from '../../../command.ts'
import type { MachineLeaf } from '../machine-command.ts'
import { ASK_SUDO_PASS, JSON_LINES, LIST_FORMAT } from '../machine-options.ts'
import { PROVISION_OPTIONS } from '../make/create-options.ts'

const FORMAT: OptionDefinition = { flags: '-f, --format <template>', summary: 'a template such as {{.Name}}' }
const SWARM: OptionDefinition = { flags: '--swarm', summary: 'the manager on it, not its engine' }

const FACTS: readonly MachineLeaf[] = [
  {
    name: 'ls',
    summary: 'List machines, each asked how it is',
    options: [
      { flags: '-q, --quiet', summary: 'names only' },
      {
        flags: '--filter <key=value>',
        summary: 'only those with this driver, label, name (a pattern), state or swarm',
        repeatable: true,
      },
      { flags: '-t, --timeout <seconds>', summary: 'how long to wait for each (default: 10)' },
      LIST_FORMAT,
      JSON_LINES,
    ],
    footer: `A long error is cut here: \`machine doctor\` and --json tell all of it.
  machine ls --filter driver=generic --filter label=rack=a
  machine ls -f '{{.Name}} {{.URL}} {{.DockerVersion}}'`,
    run: async () => (await import('./ls.ts')).runLs,
  },
  {
    name: 'active',
    summary: 'Print the machine that $DOCKER_HOST points at',
    options: [{ flags: '-t, --timeout <seconds>', summary: 'how long to wait (default: 10)' }],
    run: async () => (await import('./active.ts')).runActive,
  },
  {
    name: 'env',
    summary: 'Print what a shell needs to have docker speak to a machine',
    args: '[name]',
    options: [
      SWARM,
      { flags: '--shell <name>', summary: 'sh, fish, powershell, cmd, tcsh or emacs (default: yours)' },
      { flags: '-u, --unset', summary: 'print what takes the variables back' },
      { flags: '--no-proxy', summary: 'add the machine to NO_PROXY' },
      ASK_SUDO_PASS,
    ],
    footer: `An engine that has no open port is reached over SSH, by your own configuration of ssh, which must know the host: DOCKER_HOST is
ssh://user@host/run/shoal/engine.sock then. With --swarm a certificate is fetched if the manager wants one and there is none yet.
  eval $(machine env n1) && docker ps
  eval $(machine env --swarm m1) && docker info
  eval $(machine env -u)`,
    run: async () => (await import('./env.ts')).runEnv,
  },
  {
    name: 'config',
    summary: "Print docker's flags for a machine",
    args: '[name]',
    options: [SWARM, ASK_SUDO_PASS],
    footer: '  docker $(machine config n1) ps',
    run: async () => (await import('./env.ts')).runConfig,
  },
  {
    name: 'inspect',
    summary: 'Print what is known of a machine, without its secrets',
    args: '[name]',
    options: [FORMAT],
    footer: `Laid out as docker-machine's config.json, so that its templates read it: {{.Driver.IPAddress}}, {{.Driver.SSHKeyPath}},
{{json .HostOptions.EngineOptions}}. The machine's own record is under Record: {{.Record.engine.kind}}.`,
    run: async () => (await import('./facts.ts')).runInspect,
  },
  ...['ip', 'status'].map(
    (name): MachineLeaf => ({
      name,
      summary: name === 'ip' ? 'Print the addresses of machines' : 'Print the states of machines',
      args: '[name...]',
      run: async () => {
        const { runIp, runStatus } = await import('./facts.ts')
        return name === 'ip' ? runIp : runStatus
      },
    }),
  ),
  {
    name: 'url',
    summary: 'Print where the engine of a machine answers',
    args: '[name]',
    run: async () => (await import('./facts.ts')).runUrl,
  },
]

const CHECKS: readonly MachineLeaf[] = [
  {
    name: 'doctor',
    summary: 'Look at all that machines need, and say what to do',
    args: '[name...]',
    options: [{ flags: '--json', summary: 'one object a line' }, ASK_SUDO_PASS],
    footer: 'Changes nothing. Exit code 1: something is wrong.',
    run: async () => (await import('./doctor.ts')).runDoctor,
  },
]

/** `machine certs` */
export const certsCommands: readonly MachineLeaf[] = [
  {
    name: 'ls',
    summary: 'List the certificates that engines and managers show, and those of people',
    options: [LIST_FORMAT, JSON_LINES, ASK_SUDO_PASS],
    run: async () => (await import('./certs.ts')).runCertsLs,
  },
  {
    name: 'rotate',
    summary: 'Make keys and certificates of machines anew, or the authority of clusters',
    args: '[name...]',
    options: [
      { flags: '-a, --all', summary: 'all machines that have certificates; then no name is given' },
      { flags: '--ca', summary: 'the authority of each cluster, and your certificate' },
      { flags: '--revoke-old', summary: 'of members: let nobody in with what they had before any more' },
      ...PROVISION_OPTIONS,
    ],
    footer: 'Containers go on, and daemons of members too.',
    run: async () => (await import('../certs/rotate-certs.ts')).runCertsRotate,
  },
]

export function lookCommands(version: string): readonly MachineLeaf[] {
  return [
    ...FACTS,
    ...CHECKS,
    {
      name: 'version',
      summary: "Print this program's version, or that of a machine's engine",
      args: '[name]',
      run: async () => {
        const { runVersion } = await import('./facts.ts')
        return command => runVersion(version, command)
      },
    },
  ]
}
