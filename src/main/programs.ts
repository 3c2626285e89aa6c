import { type CommandGroup, ENGINE_OPTIONS, engineVerbs, machineGroup, swarmGroup } from '../cli/index.ts'
import { compose } from './compose-family.ts'
import { optionsOf } from './daemon/daemon-flag.ts'
import { ENGINE_FLAGS } from './daemon/engine-options.ts'
import { engineCommand } from './engine-command.ts'
import { simCommand } from './sim-command.ts'
import { TLS_FLAGS } from './tls-flags.ts'
import { VERSION } from './version.ts'

const swarm = swarmGroup({
  create: async () => (await import('./swarm/swarm-create.ts')).runCreate,
  list: async () => (await import('./swarm/swarm-list.ts')).runList,
  leave: async () => (await import('./swarm/swarm-leave.ts')).runLeave,
  join: async () => (await import('./agent.ts')).runJoin,
  clientCertificate: async () => (await import('./swarm/client-cert.ts')).runClientCertificate,
  manage: async () => (await import('./manager.ts')).runManager,
  engineFlags: ENGINE_FLAGS,
  tlsFlags: optionsOf(TLS_FLAGS),
})
const machine = machineGroup(VERSION, async () => (await import('./machine/world.ts')).createMachineWorld())

/** Families by the name of their launcher. Their commands load what they need when they run. */
export const FAMILIES: Readonly<Record<string, CommandGroup>> = { swarm, machine, compose }

/** `shoal`: every family under one name. */
export const umbrella: CommandGroup = {
  name: 'shoal',
  summary: 'Runs Compose files over many Linux hosts',
  options: ENGINE_OPTIONS,
  commands: [swarm, machine, compose, engineCommand, simCommand, ...engineVerbs(VERSION)],
}
