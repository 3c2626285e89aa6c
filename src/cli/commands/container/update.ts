import { failed } from '../../../core/errors.ts'
import { pathOf, withEngine } from '../../engine/engine-api.ts'
import { forEach } from '../../engine/for-each.ts'
import { readFieldFlags } from './create/read-fields.ts'

/** `shoal update`: changes limits and the restart policy. */
export const runUpdate = withEngine(command => {
  const { HostConfig = {} } = readFieldFlags(command.options, command.context.cwd) as { HostConfig?: object }
  if (Object.keys(HostConfig).length === 0) {
    throw failed('NOTHING_TO_DO', 'you must provide one or more flags when using this command')
  }
  return forEach(command, async id => {
    const { Warnings } = await command.api.ask<{ Warnings: readonly string[] | null }>(
      'POST',
      pathOf('containers', id, 'update'),
      { body: HostConfig },
    )
    for (const warning of Warnings ?? []) command.context.stderr.write(`Warning: ${warning}\n`)
  })
})
