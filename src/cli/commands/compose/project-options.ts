import { type LoadOptions, nodeFileReader } from '../../../compose/index.ts'
import type { CommandContext, OptionDefinition, Options } from '../../command.ts'

/** Options that stand before every compose command. */
export const PROJECT_OPTIONS: readonly OptionDefinition[] = [
  { flags: '-f, --file <file>', summary: 'compose file; repeat to put one over another', repeatable: true },
  { flags: '-p, --project-name <name>', summary: 'project name' },
  { flags: '--profile <profile>', summary: 'switch a profile on', repeatable: true },
  { flags: '--env-file <file>', summary: 'read variables from this file instead of .env', repeatable: true },
  { flags: '--project-directory <dir>', summary: 'what relative paths start from' },
  { flags: '--workdir <dir>', summary: 'the same as --project-directory', hidden: true },
  { flags: '--all-resources', summary: 'keep networks and volumes that no service uses' },
  { flags: '--compatibility', summary: 'accepted for compatibility', hidden: true },
  { flags: '--ansi <when>', summary: 'colours: never, always or auto' },
  { flags: '--progress <kind>', summary: 'progress: auto, tty, plain, json or quiet' },
  { flags: '--parallel <count>', summary: 'accepted for compatibility', hidden: true },
  { flags: '-H, --host <address>', summary: 'manager to talk to (SHOAL_HOST, DOCKER_HOST; tcp://127.0.0.1:3375)' },
]

/** What the flags and the environment say about the project to load; reads standard input if a file is `-`. */
export async function loadOptions(
  globals: Options,
  context: CommandContext,
  extra: Partial<LoadOptions> = {},
): Promise<LoadOptions> {
  const wantsInput = [...globals.list('file'), ...(context.env['COMPOSE_FILE'] ?? '').split(':')].includes('-')
  const input = wantsInput ? await readAll(context) : ''
  return {
    cwd: workingDirectory(context),
    env: context.env,
    files: globals.list('file'),
    projectName: globals.text('projectName'),
    projectDirectory: globals.text('projectDirectory') ?? globals.text('workdir'),
    envFiles: globals.list('envFile'),
    profiles: globals.list('profile'),
    keepUnusedResources: globals.flag('allResources'),
    stdin: () => input,
    warn: message => void context.stderr.write(`Warning: ${message}\n`),
    ...extra,
  }
}

/** The directory as the shell calls it: through the links it was entered by, as PWD says if it is the same place. */
function workingDirectory({ cwd, env }: CommandContext): string {
  const shell = env['PWD']
  return shell !== undefined && shell.startsWith('/') && nodeFileReader.realPath(shell) === cwd ? shell : cwd
}

async function readAll({ stdin }: CommandContext): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString('utf8')
}
