export type {
  CommandContext,
  CommandDefinition,
  CommandGroup,
  CommandLeaf,
  Environment,
  InputStream,
  Invocation,
  OptionDefinition,
  Options,
  OutputStream,
  RunCommand,
} from './command.ts'
export { composeGroup } from './commands/compose/group.ts'
export { ulimit as readUlimit } from './commands/container/create/read-values.ts'
export { engineVerbs } from './commands/engine-verbs.ts'
export { machineGroup } from './commands/machine/group.ts'
export type { MachineWorld } from './commands/machine/machine-command.ts'
export {
  badFlag,
  type HostPort,
  readDiscovery,
  readDiscoveryOptions,
  readDuration,
  readLogLevel,
} from './commands/swarm/flags.ts'
export { type SwarmPrograms, swarmGroup } from './commands/swarm/group.ts'
export { type JoinOptions, readJoinAddress, readJoinOptions } from './commands/swarm/join-options.ts'
export { ENGINE_OPTIONS } from './engine/engine-address.ts'
export { createTunnels } from './engine/ssh/tunnels.ts'
export { type Program, runProgram } from './program.ts'
