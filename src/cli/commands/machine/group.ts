import type { CommandGroup, CommandLeaf } from '../../command.ts'
import { changeCommands, snapshotCommands } from './change/commands.ts'
import { certsCommands, lookCommands } from './look/commands.ts'
import { type MachineLeaf, type MachineWorld, withStore } from './machine-command.ts'
import { GLOBAL_OPTIONS } from './machine-options.ts'
import { makeCommands } from './make/commands.ts'
import { runCommands } from './run/commands.ts'
import { shareCommands } from './share/commands.ts'

const LOOK = 'Look at machines:'
const CHANGE = 'Change machines:'

/** The `machine` family. main/ gives the world: what it does to this host and to others. */
export function machineGroup(version: string, loadWorld: () => Promise<MachineWorld>): CommandGroup {
  const toCommand = ({ run, ...leaf }: MachineLeaf): CommandLeaf => ({
    ...leaf,
    load: async () => withStore(loadWorld, await run()),
  })
  const under = (group: string, leaves: readonly MachineLeaf[]): CommandLeaf[] =>
    leaves.map(leaf => ({ ...toCommand(leaf), group }))
  return {
    name: 'machine',
    summary: 'Make hosts, and reach them',
    options: GLOBAL_OPTIONS,
    commands: [
      ...under('Make machines:', makeCommands),
      ...under(LOOK, lookCommands(version)),
      {
        name: 'certs',
        group: LOOK,
        summary: 'Look at certificates, and renew what they rest on',
        commands: certsCommands.map(toCommand),
      },
      ...under('Reach machines:', runCommands),
      ...under(CHANGE, changeCommands),
      {
        name: 'snapshot',
        group: CHANGE,
        summary: 'Keep states of machines, and go back to them',
        commands: snapshotCommands.map(toCommand),
      },
      ...under('Share machines:', shareCommands),
    ],
    footer: `Begin with: machine create --host root@10.0.0.1 n1

Exit codes: 0 done, 1 failed, 2 used wrongly, 3 refused by a check, 10 host not reachable, 11 host key not trusted,
12 login refused, 13 no rights there. \`machine ssh\` and \`machine exec\` end with the code of their command.`,
  }
}
