import { loadProject, nodeFileReader, type Project } from '../../../../compose/index.ts'
import type { CommandContext, Invocation } from '../../../command.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'
import { containersOf } from '../one-engine/change-state.ts'
import { engineRun } from '../one-engine/engine-run.ts'
import { knownContainers } from '../one-engine/known-containers.ts'
import { downOnEngine, removeInOrder } from '../one-engine/take-down.ts'
import { planText } from '../plan-text.ts'
import { loadOptions } from '../spec/project-options.ts'
import { readRmi, removeImages } from './remove-images.ts'

/** `compose down` on one engine: what the labels of containers, networks and volumes say belongs to the project. */
export async function downHere(
  { args, options, globals, name, api }: Invocation & { readonly name: string; readonly api: ManagerApi },
  context: CommandContext,
): Promise<number> {
  const progress = createProgress(globals, context)
  const run = engineRun(api, { context, progress, options })
  const rmi = readRmi(options.text('rmi'))
  const dryRun = options.flag('dryRun')
  if (args.length > 0) {
    const gone = await containersOf(name, args, run)
    if (dryRun) context.stdout.write(gone.map(each => `- remove container ${each.name}\n`).join(''))
    else await removeInOrder(gone, { ...run, volumes: options.flag('volumes') })
    return 0
  }
  const project = await filesOf(globals, context)
  const images = rmi === undefined ? [] : await usedImages(name, rmi, run)
  const steps = await downOnEngine(
    name,
    {
      volumes: options.flag('volumes'),
      dryRun,
      services: options.flag('removeOrphans') ? undefined : project?.serviceNames,
    },
    run,
  )
  if (steps === undefined) progress.warn(`No resource found to remove for project "${name}".`)
  else if (dryRun) context.stdout.write(planText({ project: name, changed: true, steps }))
  if (dryRun) context.stdout.write(images.map(image => `- remove image ${image}\n`).join(''))
  else await removeImages(images, { api, progress })
  return 0
}

/** What the files say, as far as there are any: `-p shop down` needs none. */
async function filesOf(globals: Invocation['globals'], context: CommandContext): Promise<Project | undefined> {
  const load = await loadOptions(globals, context, { profiles: ['*'], warn: () => {} })
  try {
    return loadProject(load, nodeFileReader)
  } catch (error) {
    if (globals.list('file').length > 0) throw error
    return undefined
  }
}

async function usedImages(
  project: string,
  which: 'all' | 'local',
  run: Parameters<typeof containersOf>[2],
): Promise<readonly string[]> {
  const containers = await knownContainers(run.engine, project)
  const isOwn = (image: string, service: string): boolean => image === `${project}-${service}`
  const images = containers
    .filter(({ summary, service }) => which === 'all' || isOwn(summary.Image, service))
    .map(({ summary }) => summary.Image)
  return [...new Set(images)]
}
