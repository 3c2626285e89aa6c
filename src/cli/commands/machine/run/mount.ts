import { invalidInput } from '../../../../core/errors.ts'
import type { MachineCommand } from '../machine-command.ts'
import { checkReachable, withSshConfig } from './reach.ts'

/** `machine mount MACHINE:PATH [MOUNTPOINT]`: a folder of a machine as one of this machine, by sshfs. */
export async function runMount(command: MachineCommand): Promise<number> {
  const { args, context, options, store, world } = command
  const [source = '', mountpoint] = args
  const [, user = '', name, path = ''] = /^([^@/:-][^@/:]*@)?([a-zA-Z0-9][a-zA-Z0-9.-]*):(.*)$/s.exec(source) ?? []
  if (name === undefined) throw invalidInput('BAD_FLAG', `Cannot mount "${source}": expected [user@]machine:path`)
  const machine = await store.load(name)
  const at = mountpoint ?? path
  if (at === '') throw invalidInput('BAD_FLAG', 'Name the folder of this machine where it is to be mounted')
  const safe = at.startsWith('/') ? at : `./${at}`
  if (options.flag('unmount')) return world.runProgram(['fusermount', '-u', '--', safe], context)
  await checkReachable(machine, command)
  return withSshConfig([machine], command, file =>
    // In the foreground no longer than until it is mounted: by then it has read the configuration.
    world.runProgram(['sshfs', '-F', file, `${user}${name}:${path}`, safe], context),
  )
}
