import { expect, it } from 'vitest'
import type { CommandDefinition, OptionDefinition } from '../../../src/cli/index.ts'
import { composeGroup } from '../../../src/cli/index.ts'
import { runCommand } from '../support/run.ts'

/** Every flag of docker compose's commands, those of old included: each is done here, or refused by name. */
const FLAGS: Readonly<Record<string, string>> = {
  '': 'file project-name profile env-file project-directory all-resources ansi progress parallel compatibility dry-run verbose workdir',
  attach: 'detach-keys index no-stdin sig-proxy',
  build:
    'build-arg builder check compress force-rm memory no-cache no-rm parallel print progress provenance pull push quiet sbom ssh with-dependencies',
  commit: 'author change index message pause',
  config:
    'environment format hash images lock-image-digests models networks no-consistency no-env-resolution no-interpolate no-normalize no-path-resolution output profiles quiet resolve-image-digests services variables volumes',
  cp: 'all archive follow-link index',
  create: 'build force-recreate no-build no-recreate pull quiet-pull remove-orphans scale yes',
  down: 'remove-orphans rmi timeout volumes',
  events: 'json since until',
  exec: 'detach env index interactive no-TTY privileged tty user workdir',
  export: 'index output',
  images: 'format quiet',
  kill: 'remove-orphans signal',
  logs: 'follow index no-color no-log-prefix since tail timestamps until',
  ls: 'all filter format quiet',
  pause: '',
  port: 'index protocol',
  ps: 'all filter format no-trunc orphans quiet services status',
  pull: 'ignore-buildable ignore-pull-failures include-deps no-parallel parallel policy quiet',
  push: 'ignore-push-failures include-deps quiet',
  restart: 'no-deps timeout',
  rm: 'all force stop volumes',
  run: 'build cap-add cap-drop detach entrypoint env env-from-file interactive label name no-TTY no-build no-deps publish pull quiet quiet-build quiet-pull remove-orphans rm service-ports tty use-aliases user volume workdir',
  scale: 'no-deps',
  start: 'wait wait-timeout',
  stats: 'all format no-stream no-trunc',
  stop: 'timeout',
  top: '',
  unpause: '',
  up: 'abort-on-container-exit abort-on-container-failure always-recreate-deps attach attach-dependencies build detach exit-code-from force-recreate menu no-attach no-build no-color no-deps no-log-prefix no-recreate no-start pull quiet-build quiet-pull remove-orphans renew-anon-volumes scale timeout timestamps wait wait-timeout watch yes',
  version: 'format short',
  volumes: 'format quiet',
  wait: 'down-project',
  watch: 'no-up prune quiet',
}

const group = composeGroup('1')

function optionsOf(verb: string): readonly OptionDefinition[] {
  const definition: CommandDefinition | undefined =
    verb === '' ? group : group.commands.find(({ name }) => name === verb)
  return definition?.options ?? []
}

/** `--no-x` takes `--x` and `--x=false` along, as docker's switches do. */
function isKnown(flag: string, options: readonly OptionDefinition[]): boolean {
  return options.some(({ flags }) => new RegExp(`(^|\\s)--(no-)?${flag}(\\s|$)`).test(flags))
}

it.each(Object.entries(FLAGS))('knows every flag of docker compose %s', (verb, flags) => {
  const unknown = flags.split(' ').filter(flag => flag !== '' && !isKnown(flag, optionsOf(verb)))
  expect(unknown).toEqual([])
})

it('has every verb of docker compose', () => {
  const names = new Set(group.commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]))
  const verbs = [...Object.keys(FLAGS).filter(verb => verb !== ''), 'convert', 'publish', 'bridge', 'alpha']
  expect(verbs.filter(verb => !names.has(verb))).toEqual([])
})

it.each([
  ['publish me/app', '"compose publish" is not supported: compose files are not kept in registries'],
  ['bridge convert --output x', '"compose bridge" is not supported: '],
  ['alpha viz', '"compose alpha" is not supported: '],
  ['build --ssh default', '"--ssh" is not supported: give the key to the build as a secret'],
  ['build --builder big', '"--builder" is not supported: the engines build by themselves'],
  ['build --check', '"--check" is not supported: '],
  ['build --print', '"--print" is not supported: see `compose config`'],
  ['build --provenance max', '"--provenance" is not made by builds'],
  ['build --sbom true', '"--sbom" is not made by builds'],
  ['run --remove-orphans web', '"--remove-orphans" is not done by run: use `compose up --remove-orphans`'],
])('refuses by name what it does not do: %s', async (line, why) => {
  const { code, stderr } = await runCommand(['-H', 'tcp://127.0.0.1:1', ...line.split(' ')])
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(why) })
})
