/** docker-machine's words for what a machine does. */
export const MACHINE_STATES = [
  'Running',
  'Paused',
  'Saved',
  'Stopped',
  'Stopping',
  'Starting',
  'Error',
  'Timeout',
] as const
export type MachineState = (typeof MACHINE_STATES)[number]

/** What a flag of a driver can hold. */
export type Setting = string | number | boolean | readonly string[]

/** A driver's settings by the names of their flags: `generic-ssh-port`. */
export type Settings = Readonly<Record<string, Setting>>

/** How the engine of a machine is to be set up. */
export interface EngineSettings {
  /** `shoal`: the agent's own engine; `docker`: the Docker of the host, its distribution's where it has none. */
  readonly kind: 'shoal' | 'docker'
  readonly labels: Readonly<Record<string, string>>
  /** Flags of the engine: `log-level=debug`. */
  readonly options: readonly string[]
  readonly environment: readonly string[]
  readonly insecureRegistries: readonly string[]
  readonly registryMirrors: readonly string[]
  readonly storageDriver?: string
}

/** A machine's part in a cluster. Absent in its record: it has none. */
export interface SwarmSettings {
  readonly discovery: string
  /** Runs a manager. */
  readonly master: boolean
  /** Runs containers. */
  readonly agent: boolean
  /** Where its manager listens: `tcp://0.0.0.0:3376`. */
  readonly host: string
  readonly strategy: string
  /** More flags of `swarm manage`. */
  readonly options: readonly string[]
  /** More flags of `swarm join`. */
  readonly joinOptions: readonly string[]
  /** Spoken to without certificates: by whoever reaches its ports. */
  readonly insecure?: boolean
}

/** What the store keeps of one machine. */
export interface Machine {
  readonly name: string
  /** Stays when it is renamed; by it a host knows whose it is. Absent in old records. */
  readonly id?: string
  readonly driver: string
  readonly settings: Settings
  /** What the driver made, by its own names: ids, addresses, ports. Absent: nothing yet, or nothing ever. */
  readonly made?: Settings
  readonly engine: EngineSettings
  readonly swarm?: SwarmSettings
  /** How an engine of no cluster is reached: with certificates, on a port of its own. Absent: over SSH alone. */
  readonly access?: 'tls'
  /** More names and addresses that its certificate is for. */
  readonly certificateNames: readonly string[]
  /** Wall clock, milliseconds since 1970. */
  readonly createdAtMs: number
}

export const PLAIN_ENGINE: EngineSettings = {
  kind: 'shoal',
  labels: {},
  options: [],
  environment: [],
  insecureRegistries: [],
  registryMirrors: [],
}

/** A host that was made a master and nothing else has a manager, and no engine of ours. */
export function hasEngine({ driver, swarm, engine }: Pick<Machine, 'driver' | 'swarm' | 'engine'>): boolean {
  return driver === 'none' || engine.kind === 'docker' || swarm?.agent !== false
}
