import { invalidInput } from '../../../core/errors.ts'
import type { CommandDefinition, CommandGroup } from '../../command.ts'

/** Verbs of docker-machine that this version does not do. They are known, so that asking for one gets a clear answer. */
const LATER = [
  'active',
  'config',
  'create',
  'env',
  'inspect',
  'ip',
  'kill',
  'ls',
  'mount',
  'provision',
  'regenerate-certs',
  'restart',
  'rm',
  'scp',
  'ssh',
  'start',
  'status',
  'stop',
  'upgrade',
  'url',
]

/** The `machine` family: in this version only `version`. */
export function machineGroup(version: string): CommandGroup {
  const later = LATER.map(
    (name): CommandDefinition => ({
      name,
      summary: 'Not available in this version',
      args: '[arguments...]',
      anyFlags: true,
      hidden: true,
      load: async () => async () => {
        throw invalidInput(
          'UNKNOWN_COMMAND',
          `machine ${name} is not available in this version: prepare hosts yourself and run \`swarm join\` on each`,
        )
      },
    }),
  )
  return {
    name: 'machine',
    summary: 'Provision hosts (only version, in this release)',
    commands: [
      {
        name: 'version',
        summary: 'Show the version',
        load: async () => async (_invocation, context) => {
          context.stdout.write(`machine version ${version}\n`)
        },
      },
      ...later,
    ],
    footer: 'Provisioning of hosts is not available in this version: run `swarm join` on each host yourself.',
  }
}
