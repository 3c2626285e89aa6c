import type { RunCommand } from '../../command.ts'

/** `compose version`. */
export function versionCommand(version: string): RunCommand {
  return async ({ options }, { stdout }) => {
    const isJson = options.text('format') === 'json' || options.text('f') === 'json'
    if (isJson) stdout.write(`${JSON.stringify({ version })}\n`)
    else stdout.write(options.flag('short') ? `${version}\n` : `Shoal Compose version ${version}\n`)
  }
}
