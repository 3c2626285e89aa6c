import type { CommandLeaf } from '../../command.ts'
import { DRY_RUN } from '../../engine/options.ts'

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
    DRY_RUN,
  ],
  load: async () => (await import('./build.ts')).runBuild,
}

/** Commands that work on the files more than on the cluster. */
export function fileCommands(): readonly CommandLeaf[] {
  return [config, build]
}
