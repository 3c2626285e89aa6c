import { invalidInput } from '../../../../core/errors.ts'
import type { CommandContext, Invocation, Options } from '../../../command.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import { planText, tellSteps } from '../plan-text.ts'
import { requireService } from '../spec/load-spec.ts'
import { changedImages, pullImages } from './pull-images.ts'
import { attachedServices, settle } from './settle.ts'
import { upHere } from './up-here.ts'
import { buildPolicy, keepCopies, recreatedServices, wantedProject } from './wanted-project.ts'

/** `compose up`: makes the files the wanted state of the project, and follows until it is so. */
export async function runUp(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options, globals } = invocation
  refuseConflicts(options)
  const progress = createProgress(globals, context)
  const project = await wantedProject(invocation, context, { progress, policy: buildPolicy(options) })
  const { wanted, running, api, spec } = project
  for (const name of namedServices(options)) requireService(spec, name)
  // Refused before anything is made.
  if (isAttached(options)) attachedServices({ invocation, project })
  if ((await api.runner()) === 'engine') return upHere(project, { invocation, context, progress })
  const removeOrphans = options.flag('removeOrphans')
  const recreate = recreatedServices(invocation, project)
  if (options.flag('dryRun')) {
    context.stdout.write(planText(await api.apply(wanted, { recreate, removeOrphans, dryRun: true })))
    return 0
  }
  await pullImages(project, { invocation, context, progress })
  const renewed = options.text('pull') === 'always' ? await changedImages(project) : []
  await keepCopies(wanted, { api, context, progress })
  const result = await api.apply(wanted, { recreate: [...new Set([...recreate, ...renewed])], removeOrphans })
  tellSteps(result, progress)
  const before = new Set((running?.tasks ?? []).map(task => task.id))
  if (options.choice('start') === false) return 0
  return await settle({ invocation, context, progress, result, project, before })
}

/** `compose create`: `up`, without starting what does not run yet. */
export async function runCreate(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options } = invocation
  const choice = (name: string): boolean | undefined => (name === 'start' ? false : options.choice(name))
  return runUp({ ...invocation, options: { ...options, choice } }, context)
}

function isAttached(options: Options): boolean {
  return !['detach', 'wait', 'dryRun'].some(name => options.flag(name)) && options.choice('start') !== false
}

/** Services that flags name. */
function namedServices(options: Options): readonly string[] {
  const from = options.text('exitCodeFrom')
  return [...(from === undefined ? [] : [from]), ...options.list('attach'), ...options.list('noAttach')]
}

/** Flags of which each group allows one. */
const ONE_OF: readonly (readonly string[])[] = [
  ['--force-recreate', '--no-recreate'],
  ['--always-recreate-deps', '--no-recreate'],
  ['--attach', '--attach-dependencies'],
  ['--abort-on-container-exit', '--abort-on-container-failure'],
  ...['--detach', '--wait', '--no-start'].flatMap(flag =>
    [
      '--abort-on-container-exit',
      '--abort-on-container-failure',
      '--exit-code-from',
      '--attach',
      '--attach-dependencies',
      '--watch',
    ].map(other => [flag, other]),
  ),
  ['--no-start', '--wait'],
  // A container that is replaced since files have changed ends too.
  ...['--abort-on-container-exit', '--abort-on-container-failure', '--exit-code-from'].map(flag => [flag, '--watch']),
]

/** Throws BAD_FLAG for flags that ask for two things. */
export function refuseConflicts(options: Options): void {
  for (const flags of ONE_OF) {
    if (flags.every(flag => isGiven(flag, options))) {
      throw invalidInput('BAD_FLAG', `${flags.join(' and ')} are incompatible`)
    }
  }
}

function isGiven(flag: string, options: Options): boolean {
  const camel = flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  if (options.flag(camel) || options.text(camel) !== undefined || options.list(camel).length > 0) return true
  const off = flag.startsWith('--no-') ? camel.slice(2).replace(/^./, letter => letter.toLowerCase()) : undefined
  return off !== undefined && options.choice(off) === false
}
