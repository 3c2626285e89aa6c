import type { CommandGroup } from '../../command.ts'
import { changeCommands } from './change/commands.ts'
import { lookCommands } from './look/commands.ts'
import { type MachineWorld, withStore } from './machine-command.ts'
import { GLOBAL_OPTIONS } from './machine-options.ts'
import { makeCommands } from './make/commands.ts'
import { runCommands } from './run/commands.ts'

/** The `machine` family. main/ gives the world: what it does to this host and to others. */
export function machineGroup(version: string, loadWorld: () => Promise<MachineWorld>): CommandGroup {
  const leaves = [...makeCommands, ...lookCommands(version), ...runCommands, ...changeCommands]
  return {
    name: 'machine',
    summary: 'Make hosts, and reach them',
    options: GLOBAL_OPTIONS,
    commands: leaves.map(({ run, ...leaf }) => ({
      ...leaf,
      load: async () => withStore(loadWorld, await run()),
    })),
    footer: `Exit codes: 0 done, 1 failed, 2 used wrongly, 3 refused by a check, 10 host not reachable, 11 host key not trusted,
12 login refused, 13 no rights there. \`machine ssh\` and \`machine exec\` end with the code of their command.`,
  }
}
