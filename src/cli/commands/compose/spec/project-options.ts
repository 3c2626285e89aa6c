import { type LoadOptions, nodeFileReader } from '../../../../compose/index.ts'
import { invalidInput } from '../../../../core/errors.ts'
import type { CommandContext, Options } from '../../../command.ts'
import { fetchRemoteFile } from './fetch-remote.ts'

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
    ...(globals.flag('allowRemote') ? { fetchRemote: onceEach(url => fetchRemoteFile(url, context)) } : {}),
    warn: message => void context.stderr.write(`Warning: ${message}\n`),
    ...extra,
  }
}

/** A command that loads twice means the same files both times. */
function onceEach(work: (key: string) => string): (key: string) => string {
  const known = new Map<string, string>()
  return key => {
    const result = known.get(key) ?? work(key)
    known.set(key, result)
    return result
  }
}

/** The directory as the shell calls it: through the links it was entered by, as PWD says if it is the same place. */
function workingDirectory({ cwd, env }: CommandContext): string {
  const shell = env['PWD']
  return shell !== undefined && shell.startsWith('/') && nodeFileReader.realPath(shell) === cwd ? shell : cwd
}

/** As for files. */
const INPUT_BYTES_MAX = 16 * 2 ** 20

async function readAll({ stdin }: CommandContext): Promise<string> {
  const chunks: Buffer[] = []
  let total = 0
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array)
    total += bytes.length
    if (total > INPUT_BYTES_MAX) throw invalidInput('UNREADABLE_FILE', 'Cannot read -: it is larger than 16 MB')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
