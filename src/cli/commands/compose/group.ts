import type { CommandGroup, CommandLeaf } from '../../command.ts'
import { PROJECT_OPTIONS } from './project-options.ts'

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
    { flags: '--no-interpolate', summary: 'leave variables as they are written' },
    { flags: '--no-normalize', summary: 'leave out what compose adds by itself' },
    { flags: '--no-path-resolution', summary: 'leave paths as they are written' },
    { flags: '--no-consistency', summary: 'do not check how services fit together' },
    { flags: '--no-env-resolution', summary: 'do not read env files' },
  ],
  load: async () => (await import('./config.ts')).runConfig,
}

/** The `compose` family: docker compose's verbs, over many hosts. */
export function composeGroup(_version: string): CommandGroup {
  return {
    name: 'compose',
    summary: 'Runs the services of compose files over the hosts of a cluster',
    options: PROJECT_OPTIONS,
    commands: [config],
  }
}
