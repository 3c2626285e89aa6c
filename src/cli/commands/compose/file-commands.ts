import type { CommandLeaf, OptionDefinition } from '../../command.ts'
import { DRY_RUN, refused } from '../../engine/options.ts'

const config: CommandLeaf = {
  name: 'config',
  aliases: ['convert'],
  summary: 'check the compose files and print what they mean',
  args: '[service...]',
  options: [
    { flags: '--format <format>', summary: 'yaml or json' },
    { flags: '-q, --quiet', summary: 'only check' },
    { flags: '-o, --output <file>', summary: 'write to a file' },
    { flags: '--services', summary: 'print the names of services, dependencies first' },
    { flags: '--volumes', summary: 'print the names of volumes' },
    { flags: '--networks', summary: 'print the names of networks' },
    { flags: '--models', summary: 'print the names of models' },
    { flags: '--profiles', summary: 'print the names of profiles' },
    { flags: '--images', summary: 'print the images' },
    { flags: '--hash <services>', summary: 'print a hash of each named service; * is all' },
    { flags: '--variables', summary: 'print the variables that the files use' },
    { flags: '--environment', summary: 'print the variables that are set' },
    { flags: '--resolve-image-digests', summary: 'pin images to what their registries have now' },
    { flags: '--lock-image-digests', summary: 'print an override file that pins the images' },
    { flags: '--no-interpolate', summary: 'leave variables as they are written' },
    { flags: '--no-normalize', summary: 'leave out what compose adds by itself' },
    { flags: '--no-path-resolution', summary: 'leave paths as they are written' },
    { flags: '--no-consistency', summary: 'do not check how services fit together' },
    { flags: '--no-env-resolution', summary: 'do not read env files' },
  ],
  load: async () => (await import('./config.ts')).runConfig,
}

const NO_ATTESTATION = 'only false: builds attest nothing'

/** Flags of builders that are not ours, and those of old that say what is so anyway. */
const NOT_OF_OUR_BUILDER: readonly OptionDefinition[] = [
  refused('--ssh <key>', 'is not supported: give the key to the build as a secret'),
  refused('--builder <name>', 'is not supported: the engines build by themselves'),
  refused('--check', 'is not supported: a Dockerfile is read whole before anything is built, and its errors are told'),
  refused('--print', 'is not supported: see `compose config` for what is built'),
  { flags: '--provenance <value>', summary: NO_ATTESTATION, hidden: true },
  { flags: '--sbom <value>', summary: NO_ATTESTATION, hidden: true },
  { flags: '--progress <kind>', summary: 'as before the command', hidden: true },
  { flags: '--compress', summary: 'accepted: contexts are not compressed', hidden: true },
  { flags: '--force-rm', summary: 'accepted: no containers of steps are left', hidden: true },
  { flags: '--no-rm', summary: 'accepted: no containers of steps are left', hidden: true },
  { flags: '--parallel', summary: 'accepted: images are built one after the other', hidden: true },
]

const build: CommandLeaf = {
  name: 'build',
  summary: 'build the images of services that have a build section',
  args: '[service...]',
  options: [
    { flags: '--build-arg <key=value>', summary: 'a build argument', repeatable: true },
    { flags: '--no-cache', summary: 'build every step anew' },
    { flags: '--pull', summary: 'look for newer base images' },
    { flags: '-q, --quiet', summary: 'do not print what the builder says' },
    { flags: '--with-dependencies', summary: 'build what the services depend on too' },
    { flags: '--push', summary: 'push the images that have a name of their own' },
    { flags: '-m, --memory <bytes>', summary: 'limit of memory in RUN' },
    ...NOT_OF_OUR_BUILDER,
    DRY_RUN,
  ],
  load: async () => (await import('./build.ts')).runBuild,
}

/** Commands that work on the files more than on the cluster. */
export function fileCommands(): readonly CommandLeaf[] {
  return [config, build]
}
