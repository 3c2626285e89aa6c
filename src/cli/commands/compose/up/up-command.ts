import type { CommandLeaf, OptionDefinition } from '../../../command.ts'
import { DRY_RUN, flag, flags } from '../../../engine/options.ts'

const hidden = (text: string, summary: string): OptionDefinition => ({ flags: text, summary, hidden: true })

/** What `up` and `create` have in common. */
const CREATE: readonly OptionDefinition[] = [
  flag('--build', 'build images before'),
  flag('--no-build', 'do not build images, even missing ones'),
  flag('--pull <when>', 'pull images: always, missing or never (default: missing)'),
  flag('--quiet-build', 'do not print what the builder says'),
  hidden('--quiet-pull', 'accepted: hosts pull quietly'),
  flag('--force-recreate', 'replace containers even if nothing changed'),
  flag('--no-recreate', 'leave containers that are there as they are, even if the files changed'),
  flag('--remove-orphans', 'remove services that the files no longer name'),
  flags('--scale <service=number>', 'another number of replicas'),
  hidden('-y, --yes', 'accepted: nothing is asked'),
  DRY_RUN,
]

const up: CommandLeaf = {
  name: 'up',
  summary: 'create and start the services, or bring them to what the files say now',
  args: '[service...]',
  options: [
    flag('-d, --detach', 'return when the services have started'),
    flag('--wait', 'return when the services are healthy'),
    flag('--wait-timeout <seconds>', 'longest wait (default: 600)'),
    flag('--no-start', 'make networks and volumes, and start nothing that does not run'),
    flag('--abort-on-container-exit', 'stop all when a container ends, and end with its code'),
    flag('--abort-on-container-failure', 'stop all when a container fails, and end with its code'),
    flag('--exit-code-from <service>', 'end with the code of this service; stops all when a container ends'),
    flags('--attach <service>', 'show only what this service prints'),
    flags('--no-attach <service>', 'do not show what this service prints'),
    flag('--attach-dependencies', 'also show what the services depend on'),
    flag('--no-deps', 'leave dependencies alone'),
    flag('--always-recreate-deps', 'replace what the services depend on'),
    flag('--no-color', 'no colours'),
    flag('--no-log-prefix', 'do not print names before lines'),
    flag('--timestamps', 'show times'),
    flag('-t, --timeout <seconds>', 'kill replaced containers that take longer to stop'),
    flag('-V, --renew-anon-volumes', 'new containers do not take over volumes without a name'),
    hidden('--no-menu', 'accepted: there is no menu'),
    flag('-w, --watch', 'copy, build or restart when files here change, by develop.watch'),
    ...CREATE,
  ],
  load: async () => {
    const { runUp } = await import('./up.ts')
    return async (invocation, context) => {
      if (!invocation.options.flag('watch')) return runUp(invocation, context)
      return (await import('../develop/up-watch.ts')).runUpWatch(invocation, context)
    }
  },
}

const create: CommandLeaf = {
  name: 'create',
  summary: 'make networks and volumes, and start nothing that does not run',
  args: '[service...]',
  options: CREATE,
  load: async () => (await import('./up.ts')).runCreate,
}

/** What says which plan is meant. */
const PLANNED: readonly OptionDefinition[] = [
  flag('--force-recreate', 'as with up'),
  flag('--always-recreate-deps', 'as with up'),
  flag('--no-recreate', 'as with up'),
  flag('--remove-orphans', 'as with up'),
  flags('--scale <service=number>', 'as with up'),
  flag('--no-deps', 'as with up'),
]

const plan: CommandLeaf = {
  name: 'plan',
  summary: 'show what up would do',
  args: '[service...]',
  options: [
    ...PLANNED,
    flag('--format <format>', 'text or json'),
    flag('--out <file>', 'keep the plan in a file, for apply --plan'),
  ],
  load: async () => (await import('./plan.ts')).runPlan,
}

const apply: CommandLeaf = {
  name: 'apply',
  summary: 'show what up would do, and do it once that is agreed to',
  args: '[service...]',
  options: [
    ...PLANNED,
    flag('--plan <file>', 'do not ask, and do exactly what plan --out has written there, or nothing'),
    flag('-y, --yes', 'do not ask'),
    flag('--wait', 'return when the services are healthy'),
    flag('--wait-timeout <seconds>', 'longest wait (default: 600)'),
    flag('-t, --timeout <seconds>', 'kill replaced containers that take longer to stop'),
    DRY_RUN,
  ],
  load: async () => (await import('./plan.ts')).runApply,
}

/** Commands that bring the project to what the files say. */
export function upCommands(): readonly CommandLeaf[] {
  return [up, create, plan, apply]
}
