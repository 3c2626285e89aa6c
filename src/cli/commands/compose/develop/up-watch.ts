import { Writable } from 'node:stream'
import { isTerminal } from '../../../../core/model/task.ts'
import type { CommandContext, Invocation, Options } from '../../../command.ts'
import { managerApi } from '../manager-api.ts'
import { loadSpec, requireService } from '../spec/load-spec.ts'
import { attachedServices } from '../up/settle.ts'
import { refuseConflicts, runUp } from '../up/up.ts'
import { type FollowOptions, followLogs } from '../watch/follow-logs.ts'
import { runWatch } from './watch.ts'

/** `compose up --watch`: brings everything up, and then shows what it writes and keeps it at what the files here say. */
export async function runUpWatch(invocation: Invocation, context: CommandContext): Promise<number> {
  const { options } = invocation
  refuseConflicts(options)
  const up = { ...invocation, options: detached(options) }
  if (options.flag('dryRun')) return runUp(up, context)
  const following = await beforeUp(invocation, context)
  await runUp(up, context)
  const ending = new AbortController()
  const rest = { ...context, signal: AbortSignal.any([context.signal, ending.signal]) }
  const noUp: Options = {
    ...options,
    flag: () => false,
    choice: name => (name === 'up' ? false : undefined),
  }
  try {
    // The watch ends by an error only, the other one with the project.
    await Promise.race([runWatch({ ...invocation, options: noUp }, rest), followLogs({ ...following, context: rest })])
    return 0
  } finally {
    ending.abort()
  }
}

/** `up -d`: what is only for who stays is left out, as it does not go with that. */
function detached(options: Options): Options {
  return {
    ...options,
    flag: name => name === 'detach' || (name !== 'watch' && name !== 'attachDependencies' && options.flag(name)),
    list: name => (name === 'attach' ? [] : options.list(name)),
  }
}

/** How logs are to be followed so that nothing is lost of what is written while all is started. Throws for unknown services. */
async function beforeUp(invocation: Invocation, context: CommandContext): Promise<FollowOptions> {
  const { args, options } = invocation
  const api = managerApi(invocation, context)
  // What there is to say about the files is said when they are brought up.
  const silent = { ...context, stderr: new Writable({ write: (_chunk, _encoding, done) => done() }) }
  const project = await loadSpec(invocation, silent, { services: args, api })
  for (const name of options.list('attach')) requireService(project.spec, name)
  const { name } = project.spec
  const [view, { SystemTime }] = await Promise.all([api.project(name), api.engine.info()])
  const tasks = view?.tasks ?? []
  return {
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
}
