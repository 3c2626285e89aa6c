import { writeFile } from 'node:fs/promises'
import { posix } from 'node:path'
import {
  dependencyOrder,
  imageName,
  type LoadOptions,
  listVariables,
  loadProject,
  nodeFileReader,
  openProject,
  outputModel,
  type Project,
  referenceJson,
  serviceHash,
  writeYaml,
} from '../../../compose/index.ts'
import { invalidInput } from '../../../core/errors.ts'
import type { CommandContext, Invocation, Options } from '../../command.ts'
import { notWritten } from '../../output/file-error.ts'
import { renderTable } from '../../output/table.ts'
import { loadOptions } from './spec/project-options.ts'

type Model = Project['model']
type Skip = NonNullable<LoadOptions['skip']>

/** `compose config`: the checked model, or one view of it. */
export async function runConfig(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options } = invocation
  const text = await configText(invocation, context)
  if (options.flag('quiet')) return 0
  const file = options.text('output')
  if (file === undefined) context.stdout.write(text)
  else await writeConfig(posix.resolve(context.cwd, file), text)
  return 0
}

async function writeConfig(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (cause) {
    throw notWritten(path, cause)
  }
}

async function configText(invocation: Invocation, context: CommandContext): Promise<string> {
  const { options, globals, args } = invocation
  const load = await loadOptions(globals, context, { services: args, skip: skips(options) })
  if (options.flag('variables')) return variablesText(load, options)
  if (options.flag('environment')) {
    const { variables } = openProject(load, nodeFileReader)
    return lines([...variables].map(([key, value]) => `${key}=${value}`).sort())
  }
  const project = loadProject(load, nodeFileReader)
  const view = VIEWS.find(({ flag }) => options.flag(flag))
  if (view !== undefined) return lines(view.lines(project))
  const hash = options.text('hash')
  if (hash !== undefined) return hashText(project, hash)
  return modelText(await withDigests(project.model, invocation, context), options)
}

/** Only asked for by two flags, and only then anything is loaded that talks to a cluster. */
async function withDigests(model: Model, invocation: Invocation, context: CommandContext): Promise<Model> {
  const { options } = invocation
  const lock = options.flag('lockImageDigests')
  if (!lock && !options.flag('resolveImageDigests')) return model
  const { onlyImages, resolveImageDigests } = await import('./spec/image-digests.ts')
  const resolved = await resolveImageDigests(model, invocation, context)
  return lock ? onlyImages(resolved) : resolved
}

function skips(options: Options): Skip {
  const skipped = new Set<'interpolate' | 'normalise' | 'paths' | 'consistency' | 'env-files'>()
  if (options.choice('interpolate') === false) skipped.add('interpolate')
  if (options.choice('normalize') === false) skipped.add('normalise')
  if (options.choice('pathResolution') === false) skipped.add('paths')
  if (options.choice('consistency') === false) skipped.add('consistency')
  if (options.choice('envResolution') === false) skipped.add('env-files')
  return skipped
}

const VIEWS: readonly { readonly flag: string; readonly lines: (project: Project) => readonly string[] }[] = [
  { flag: 'services', lines: ({ model }) => dependencyOrder(section(model, 'services')) },
  { flag: 'volumes', lines: ({ model }) => Object.keys(section(model, 'volumes')).sort() },
  { flag: 'networks', lines: ({ model }) => Object.keys(section(model, 'networks')).sort() },
  { flag: 'models', lines: ({ model }) => Object.keys(section(model, 'models')).sort() },
  { flag: 'profiles', lines: profileNames },
  { flag: 'images', lines: imageNames },
]

function profileNames({ model, disabledServices }: Project): readonly string[] {
  const services = [...Object.values(section(model, 'services')), ...Object.values(disabledServices)]
  const names = services.flatMap(service => {
    const profiles = (service as { profiles?: unknown }).profiles
    return Array.isArray(profiles) ? profiles.map(String) : []
  })
  return [...new Set(names)].sort()
}

function imageNames({ name, model }: Project): readonly string[] {
  const services = Object.entries(section(model, 'services'))
  const names = services.flatMap(([key, service]) => {
    const { pre_start: hooks } = service as { pre_start?: unknown }
    const hookImages = Array.isArray(hooks) ? hooks.map(hook => (hook as { image?: unknown }).image) : []
    return [imageName(name, key, service as Readonly<Record<string, unknown>>), ...hookImages].flatMap(value =>
      typeof value === 'string' ? [value] : [],
    )
  })
  return [...new Set(names)].sort()
}

function hashText({ model }: Project, wanted: string): string {
  const services = section(model, 'services')
  const names = wanted === '*' ? Object.keys(services).sort() : wanted.split(',')
  return lines(
    names.map(name => {
      const service = services[name]
      if (service === undefined) throw invalidInput('NO_SUCH_SERVICE', `no such service: ${name}`)
      return `${name} ${serviceHash(service as Readonly<Record<string, unknown>>)}`
    }),
  )
}

function variablesText(load: LoadOptions, options: Options): string {
  const uses = listVariables(openProject(load, nodeFileReader).files)
  if (options.text('format') === 'json') {
    const records = uses.map(use => [
      use.name,
      {
        Name: use.name,
        DefaultValue: use.defaultValue,
        PresenceValue: use.presenceValue,
        Required: use.required,
      },
    ])
    return `${JSON.stringify(Object.fromEntries(records))}\n`
  }
  return renderTable(
    [
      { title: 'NAME', of: use => use.name },
      { title: 'REQUIRED', of: use => String(use.required) },
      { title: 'DEFAULT VALUE', of: use => use.defaultValue },
      { title: 'ALTERNATE VALUE', of: use => use.presenceValue },
    ],
    uses,
  )
}

function modelText(model: Model, options: Options): string {
  const output = outputModel(model, { escapeDollars: options.choice('interpolate') !== false })
  const format = options.text('format') ?? 'yaml'
  if (format === 'json') return `${JSON.stringify(referenceJson(output), undefined, 2)}\n`
  if (format === 'yaml') return writeYaml(output)
  throw invalidInput('BAD_FLAG', `Cannot print as "${format}": expected yaml or json`)
}

function section(model: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const value = model[key]
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

function lines(texts: readonly string[]): string {
  return texts.map(text => `${text}\n`).join('')
}
