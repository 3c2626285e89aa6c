import type { OptionDefinition } from '../../../command.ts'
import { CONTEXT_OPTION } from '../../../engine/docker-context.ts'
import { CLIENT_TLS_OPTIONS } from '../../../engine/engine-address.ts'
import { DRY_RUN } from '../../../engine/options.ts'

/** Options that stand before every compose command. */
export const PROJECT_OPTIONS: readonly OptionDefinition[] = [
  { flags: '-f, --file <file>', summary: 'compose file; repeat to put one over another', repeatable: true },
  { flags: '-p, --project-name <name>', summary: 'project name' },
  { flags: '--profile <profile>', summary: 'switch a profile on', repeatable: true },
  { flags: '--env-file <file>', summary: 'read variables from this file instead of .env', repeatable: true },
  { flags: '--project-directory <dir>', summary: 'what relative paths start from' },
  { flags: '--workdir <dir>', summary: 'the same as --project-directory', hidden: true },
  { flags: '--all-resources', summary: 'keep networks and volumes that no service uses' },
  { flags: '--allow-remote', summary: 'fetch compose files that are named by https addresses' },
  { flags: '--compatibility', summary: 'accepted for compatibility', hidden: true },
  { flags: '--ansi <when>', summary: 'colours: never, always or auto' },
  { flags: '--progress <kind>', summary: 'progress: auto, tty, plain, json or quiet' },
  DRY_RUN,
  { flags: '--parallel <count>', summary: 'accepted for compatibility', hidden: true },
  {
    flags: '-H, --host <address>',
    summary: 'manager or engine to talk to (SHOAL_HOST, DOCKER_HOST; tcp://127.0.0.1:3375)',
  },
  CONTEXT_OPTION,
  ...CLIENT_TLS_OPTIONS,
]
