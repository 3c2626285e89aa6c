import type { CommandContext, Invocation } from '../../../command.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'
import { containersOf } from '../one-engine/change-state.ts'
import { asEngineTells, engineRun } from '../one-engine/engine-run.ts'
import { knownContainers } from '../one-engine/known-containers.ts'
import { downOnEngine, removeInOrder } from '../one-engine/take-down.ts'
import { planText, removal } from '../plan-text.ts'
import { filesOfProject } from '../spec/files-of-project.ts'
import { hooksOfFiles, hooksOfProject } from '../spec/hooks-of-files.ts'
import { readRmi, removeImages } from './remove-images.ts'

interface Downing {
  /** Of the project. */
  readonly name: string
  readonly api: ManagerApi
}

/** `compose down` on one engine: what the labels of containers, networks and volumes say belongs to the project. */
export async function downHere(
  { args, options, globals, name, api }: Invocation & Downing,
  context: CommandContext,
): Promise<number> {
  return asEngineTells(api, () => takeDown({ args, options, globals, name, api }, context))
}

async function takeDown(
  { args, options, globals, name, api }: Pick<Invocation, 'args' | 'options' | 'globals'> & Downing,
  context: CommandContext,
): Promise<number> {
  const progress = createProgress(globals, context)
  const run = engineRun(api, { context, progress, options })
  const rmi = readRmi(options.text('rmi'))
  const dryRun = options.flag('dryRun')
  if (args.length > 0) {
    const gone = await containersOf(name, args, run)
    if (dryRun) context.stdout.write(gone.map(each => `- remove container ${each.name}\n`).join(''))
    else {
      const hooks = await hooksOfFiles({ globals, warn: progress.warn }, context)
      await removeInOrder(gone, { ...run, hooks, volumes: options.flag('volumes') })
    }
    return 0
  }
  const project = await filesOfProject(globals, context)
  const images = rmi === undefined ? [] : await usedImages(name, rmi, run)
  const steps = await downOnEngine(
    name,
    {
      volumes: options.flag('volumes'),
      dryRun,
      services: options.flag('removeOrphans') ? undefined : project?.serviceNames,
    },
    { ...run, hooks: project === undefined ? new Map() : hooksOfProject(project) },
  )
  if (steps === undefined) progress.warn(`No resource found to remove for project "${name}".`)
  if (!dryRun) await removeImages(images, { api, progress })
  else {
    const all = [...(steps ?? []), ...images.map(image => removal('image', image))]
    if (all.length > 0) context.stdout.write(planText({ project: name, changed: true, steps: all }))
  }
  return 0
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
