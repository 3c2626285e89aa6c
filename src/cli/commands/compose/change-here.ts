import type { CommandContext, Invocation } from '../../command.ts'
import { createProgress } from '../../output/progress/progress.ts'
import type { ManagerApi } from './manager-api.ts'
import { containersOf, restartOnEngine, startOnEngine, stopOnEngine } from './one-engine/change-state.ts'
import { asEngineTells, engineRun } from './one-engine/engine-run.ts'
import { isUp } from './one-engine/known-containers.ts'
import { parseScales } from './spec/load-spec.ts'
import { projectName } from './spec/project-name.ts'

/** `compose scale` on one engine, where services have no number of their own: `up` for these, with what runs left as it is. */
export async function scaleHere(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options } = invocation
  const choices = new Map([
    ['deps', false],
    ['recreate', false],
  ])
  const up = {
    ...options,
    flag: (name: string) => name === 'detach' || options.flag(name),
    choice: (name: string) => choices.get(name) ?? options.choice(name),
    list: (name: string) => (name === 'scale' ? args : options.list(name)),
  }
  const { runUp } = await import('./up/up.ts')
  return runUp({ ...invocation, args: [...parseScales(args).keys()], options: up }, context)
}

/** Stops, starts or restarts the containers that one engine has of services, and leaves it at that. */
export async function changeHere(
  verb: 'stop' | 'start' | 'restart',
  { args, options, globals, api }: Invocation & { readonly api: ManagerApi },
  context: CommandContext,
): Promise<number> {
  const project = await projectName(globals, context)
  const run = engineRun(api, { context, progress: createProgress(globals, context), options })
  return asEngineTells(api, async () => {
    const containers = await containersOf(project, args, run)
    const isMeant = (isRunning: boolean): boolean => verb === 'restart' || isRunning === (verb === 'stop')
    if (options.flag('dryRun')) {
      const names = containers.filter(each => isMeant(isUp(each))).map(({ name }) => name)
      context.stdout.write(names.map(name => `${verb} container ${name}\n`).join(''))
    } else if (verb === 'stop') await stopOnEngine(containers, run)
    else if (verb === 'start') await startOnEngine(containers, project, run)
    else await restartOnEngine(containers, { project, alone: options.choice('deps') === false }, run)
    return 0
  })
}
