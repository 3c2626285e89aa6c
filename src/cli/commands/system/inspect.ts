import { EXIT_CODES, errorMessage, invalidInput, ShoalError } from '../../../core/errors.ts'
import type { RunCommand } from '../../command.ts'
import { type EngineCommand, explained, pathOf, withEngine } from '../../engine/engine-api.ts'
import { dockerTypes } from '../../output/go-template/go-types.ts'
import { compileTemplate, type Template } from '../../output/go-template/render.ts'
import { indentJson } from '../../output/json-indent.ts'

const KINDS = {
  container: (name: string) => pathOf('containers', name, 'json'),
  image: (name: string) => `/images/${name.split('/').map(encodeURIComponent).join('/')}/json`,
  network: (name: string) => pathOf('networks', name),
  volume: (name: string) => pathOf('volumes', name),
} as const

type Kind = keyof typeof KINDS

/** `shoal inspect`: whatever has the name, in docker's order of looking. */
export const runInspect = withEngine(async command => {
  const type = command.options.text('type')
  if (type !== undefined && !Object.hasOwn(KINDS, type)) {
    throw invalidInput('BAD_FLAG', `unknown type: "${type}": must be one of "container", "image", "network", "volume"`)
  }
  return inspectAll(command, type === undefined ? (Object.keys(KINDS) as Kind[]) : [type as Kind])
})

/** `shoal volume inspect` and its like. */
export function inspectKind(kind: Kind): RunCommand {
  return withEngine(command => inspectAll(command, [kind]))
}

/** Prints what is found even if something is not; then the exit code is 1. */
function inspectAll(command: EngineCommand, kinds: readonly Kind[]): Promise<number> {
  return inspectEach(command, name => find(command, name, kinds))
}

/** Prints the JSON of each argument as `--format` wants it. */
export async function inspectEach(
  { args, options, context }: Pick<EngineCommand, 'args' | 'options' | 'context'>,
  findOne: (name: string) => Promise<string>,
): Promise<number> {
  const format = options.text('format') ?? ''
  const template =
    format === '' || format === 'json' ? undefined : compileTemplate(unescape(format), { typesOf: dockerTypes })
  const found: string[] = []
  const failures: string[] = []
  for (const name of args) {
    try {
      found.push(await findOne(name))
    } catch (error) {
      context.signal.throwIfAborted()
      failures.push(`${errorMessage(explained(error, ''))}\n`)
    }
  }
  if (template !== undefined) context.stdout.write(filled(template, found, failures))
  else if (format === 'json') context.stdout.write(`[${found.map(compact).join(',')}]\n`)
  else context.stdout.write(`${indentJson(`[${found.join(',')}]`)}\n`)
  context.stderr.write(failures.join(''))
  return failures.length === 0 ? EXIT_CODES.done : EXIT_CODES.failed
}

/** Up to the first that the template does not fit. Docker ends the output with a line even if there is nothing in it. */
function filled(template: Template, found: readonly string[], failures: string[]): string {
  let shown = ''
  try {
    for (const text of found) shown += `${template(JSON.parse(text))}\n`
  } catch (error) {
    failures.push(`${errorMessage(error)}\n`)
  }
  return shown === '' ? '\n' : shown
}

const unescape = (text: string): string => text.replaceAll('\\t', '\t').replaceAll('\\n', '\n')

const compact = (text: string): string => JSON.stringify(JSON.parse(text))

async function find({ api, options }: EngineCommand, name: string, kinds: readonly Kind[]): Promise<string> {
  const size = options.flag('size') ? { size: 1 } : {}
  for (const kind of kinds) {
    try {
      return (await api.text(KINDS[kind](name), { query: kind === 'container' ? size : {} })).trim()
    } catch (error) {
      const isAbsent = error instanceof ShoalError && error.status === 404
      if (!isAbsent || kinds.length === 1) throw error
    }
  }
  throw invalidInput('NO_SUCH_OBJECT', `Error: No such object: ${name}`)
}
