import { imageName, loadProject, nodeFileReader, type Project, servicesOf } from '../../../compose/index.ts'
import { unsupported } from '../../../core/errors.ts'
import { parseBytes } from '../../../core/units.ts'
import type { CommandContext, Invocation, Options } from '../../command.ts'
import { createProgress } from '../../output/progress/progress.ts'
import { readArgument } from '../../usage.ts'
import { carryImage } from './images/carry-image.ts'
import { managerApi } from './manager-api.ts'
import { buildServices } from './spec/build-services.ts'
import { loadOptions } from './spec/project-options.ts'

const ATTESTATION = 'is not made by builds: make it of the image that was built, with the tool of your choice'

/** `compose build`: builds the images of services that have a `build` section. */
export async function runBuild(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals, args } = invocation
  refuseAttestations(options)
  const memory = options.text('memory')
  const limit = memory === undefined ? undefined : readArgument('-m, --memory', memory, parseBytes)
  const load = await loadOptions(globals, context, {
    services: args,
    withDependencies: options.flag('withDependencies'),
  })
  const project = loadProject(load, nodeFileReader)
  const services = Object.keys(servicesOf(project.model))
  if (options.flag('dryRun')) {
    const built = Object.entries(servicesOf(project.model)).filter(([, { build }]) => build !== undefined)
    const names = built.map(([name, fields]) => imageName(project.name, name, fields))
    context.stdout.write(names.map(name => `build image ${name}\n`).join(''))
    if (options.flag('push'))
      context.stdout.write(
        ownImages(project)
          .map(name => `push image ${name}\n`)
          .join(''),
      )
    return 0
  }
  const buildArgs = Object.fromEntries(
    options.list('buildArg').flatMap(text => {
      const [key = '', ...rest] = text.split('=')
      const value = rest.length > 0 ? rest.join('=') : project.variables.get(key)
      return value === undefined ? [] : [[key, value] as const]
    }),
  )
  const kind = { text: (name: string) => (name === 'progress' ? options.text(name) : undefined) ?? globals.text(name) }
  const carrying = { api: managerApi(invocation, context), context, progress: createProgress(kind, context) }
  await buildServices(project, {
    ...carrying,
    policy: 'always',
    services,
    noCache: options.choice('cache') === false,
    pull: options.flag('pull'),
    quiet: options.flag('quiet'),
    buildArgs,
    memory: limit,
  })
  if (options.flag('push')) for (const image of ownImages(project)) await carryImage('push', image, carrying)
  return 0
}

/** Images that are built, and have a name in the file: others have no registry to go to. */
function ownImages({ name, model }: Project): readonly string[] {
  const built = Object.entries(servicesOf(model)).filter(([, { build, image }]) => build !== undefined && image)
  return [...new Set(built.map(([service, fields]) => imageName(name, service, fields)))]
}

/** Throws UNSUPPORTED_FLAG, unless they are said not to be wanted. */
function refuseAttestations(options: Options): void {
  for (const flag of ['provenance', 'sbom']) {
    if (['false', 'none', undefined].includes(options.text(flag))) continue
    throw unsupported('UNSUPPORTED_FLAG', `"--${flag}" ${ATTESTATION}`)
  }
}
