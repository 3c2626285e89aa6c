import type { CommandLeaf } from '../../../command.ts'
import { DRY_RUN, flag } from '../../../engine/options.ts'

const QUIET = flag('-q, --quiet', 'do not show how it goes')
const INCLUDE_DEPS = flag('--include-deps', 'also of what the services depend on')

const pull: CommandLeaf = {
  name: 'pull',
  summary: "pull the services' images on all hosts",
  args: '[service...]',
  options: [
    flag('--ignore-buildable', 'leave out images that can be built'),
    flag('--ignore-pull-failures', 'go on with the others'),
    flag('--policy <when>', 'missing or always (default: always)'),
    INCLUDE_DEPS,
    QUIET,
    // Of old, and without meaning to docker compose too.
    { flags: '--parallel', summary: 'accepted: some are pulled at once', hidden: true },
    { flags: '--no-parallel', summary: 'accepted: some are pulled at once', hidden: true },
    DRY_RUN,
  ],
  load: async () => (await import('./transfer.ts')).runPull,
}

const push: CommandLeaf = {
  name: 'push',
  summary: 'push the images that were built for services',
  args: '[service...]',
  options: [flag('--ignore-push-failures', 'go on with the others'), INCLUDE_DEPS, QUIET, DRY_RUN],
  load: async () => (await import('./transfer.ts')).runPush,
}

/** Commands that carry images to and from registries. */
export function imageCommands(): readonly CommandLeaf[] {
  return [pull, push]
}
