import { type CommandGroup, composeGroup, machineGroup, swarmGroup } from '../cli/index.ts'
import { unsupported } from '../core/errors.ts'
import { VERSION } from './version.ts'

const swarm = swarmGroup({
  create: async () => (await import('./swarm-create.ts')).runCreate,
  list: () => Promise.reject(unsupported('NOT_AVAILABLE', 'swarm list is not wired yet')),
  join: () => Promise.reject(unsupported('NOT_AVAILABLE', 'swarm join is not wired yet')),
  manage: async () => (await import('./manager.ts')).runManager,
  engineFlags: [],
})
const machine = machineGroup(VERSION)
const compose = composeGroup(VERSION)

/** Families by the name of their launcher. Their commands load what they need when they run. */
export const FAMILIES: Readonly<Record<string, CommandGroup>> = { swarm, machine, compose }

/** `shoal`: every family under one name. */
export const umbrella: CommandGroup = {
  name: 'shoal',
  summary: 'Runs Compose files over many Linux hosts',
  commands: [swarm, machine, compose],
}
