import { Writable } from 'node:stream'
import { isTerminal } from '../../../../core/model/task.ts'
import type { CommandContext, Invocation, Options } from '../../../command.ts'
import { createProgress } from '../../../output/progress/progress.ts'
import { managerApi } from '../manager-api.ts'
import { stopServices } from '../one-engine/change-state.ts'
import { engineRun } from '../one-engine/engine-run.ts'
import { type HooksOf, hooksOfServices } from '../one-engine/with-hooks.ts'
import { loadSpec, requireService } from '../spec/load-spec.ts'
import { attachedServices, keepsRunning } from '../up/settle.ts'
import { bringUp, refuseConflicts } from '../up/up.ts'
import { type FollowOptions, followLogs } from '../watch/follow-logs.ts'
import { runWatch } from './watch.ts'

/** `compose up --watch`: brings everything up, and then shows what it writes and keeps it at what the files here say. */
export async function runUpWatch(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options } = invocation
  refuseConflicts(options)
  const up = { ...invocation, options: detached(options) }
  if (options.flag('dryRun')) return bringUp(up, context)
  const { following, hooks } = await beforeUp(invocation, context)
  const ending = new AbortController()
  const rest = { ...context, signal: AbortSignal.any([context.signal, ending.signal]) }
  const noUp: Options = {
    ...options,
    flag: () => false,
    choice: name => (name === 'up' ? false : undefined),
  }
  try {
    await bringUp(up, context)
    // The watch ends by an error only, the other one with the project.
    await Promise.race([runWatch({ ...invocation, options: noUp }, rest), followLogs({ ...following, context: rest })])
    return 0
  } finally {
    ending.abort()
    if (context.signal.aborted) await leave(following, hooks)
  }
}

/** After Ctrl-C nobody but we would end what runs on one engine, as docker compose does; a manager keeps its services running. */
async function leave({ api, project, invocation, context }: FollowOptions, hooks: HooksOf): Promise<void> {
  if ((await api.runner()) === 'manager') {
    context.stderr.write(keepsRunning(project))
    return
  }
  context.stderr.write('Gracefully stopping...\n')
  const progress = createProgress(invocation.globals, context)
  const run = { ...engineRun(api, { context, progress, options: invocation.options }), hooks }
  await stopServices(project, [...hooks.keys()], run)
}

/** `up -d`: what is only for who stays is left out, as it does not go with that. */
function detached(options: Options): Options {
  return {
    ...options,
    flag: name => name === 'detach' || (name !== 'watch' && name !== 'attachDependencies' && options.flag(name)),
    list: name => (name === 'attach' ? [] : options.list(name)),
  }
}

interface Before {
  readonly following: FollowOptions
  /** Of all that is brought up. */
  readonly hooks: HooksOf
}

/** How logs are to be followed so that nothing is lost of what is written while all is started. Throws for unknown services. */
async function beforeUp(invocation: Invocation, context: CommandContext): Promise<Before> {
  const { args, options } = invocation
  const api = managerApi(invocation, context)
  // What there is to say about the files is said when they are brought up.
  const silent = { ...context, stderr: new Writable({ write: (_chunk, _encoding, done) => done() }) }
  const project = await loadSpec(invocation, silent, { services: args, api })
  for (const name of options.list('attach')) requireService(project.spec, name)
  const { name } = project.spec
  const [view, { SystemTime }] = await Promise.all([api.project(name), api.engine.info()])
  const tasks = view?.tasks ?? []
  const following: FollowOptions = {
    api,
    context,
    invocation,
    project: name,
    services: attachedServices({ invocation, project }),
    tail: 0,
    before: new Set(tasks.filter(({ state }) => !isTerminal(state)).map(({ id }) => id)),
    starting: {
      existed: new Set(tasks.map(({ id }) => id)),
      // By the clock that the logs go by.
      sinceMs: Date.parse(SystemTime),
      // Whatever ends is perhaps replaced when files change.
      isDone: () => false,
    },
  }
  return { following, hooks: hooksOfServices(project.spec.services) }
}
