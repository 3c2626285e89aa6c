import type { MachineState, Settings } from '../../model/machine.ts'
import type { Driver, DriverFlag, DriverPorts } from '../driver.ts'

/** A server of a cloud. */
export interface CloudServer {
  readonly id: string
  readonly state: MachineState
  /** Where it is reached; absent: it has none yet. */
  readonly address?: string
}

/** What a server is made with, beside the settings. */
export interface ServerOrder {
  readonly name: string
  /** Marks all that belongs to this machine; no other machine has it. */
  readonly mark: string
  readonly keyId: string
  readonly userData?: string
}

export type PowerChange = 'on' | 'off' | 'shutdown' | 'reboot'

/** What drivers need of a cloud, as one person with one token. All of it may be called again. */
export interface CloudApi {
  /** Throws BAD_FLAG for a name of the settings that the cloud does not know. */
  readonly checkNames: () => Promise<void>
  readonly findServer: (mark: string) => Promise<CloudServer | undefined>
  /** Undefined: it is gone. */
  readonly getServer: (id: string) => Promise<CloudServer | undefined>
  /** Resolves when it is ordered, not when it runs. */
  readonly createServer: (order: ServerOrder) => Promise<CloudServer>
  /** Resolves when the cloud has done it; of `shutdown`, when the server was told. */
  readonly power: (id: string, change: PowerChange) => Promise<void>
  /** Does nothing for one that is gone. */
  readonly deleteServer: (id: string) => Promise<void>
  /** Id of a public key, by its MD5 fingerprint. */
  readonly findKey: (fingerprint: string) => Promise<string | undefined>
  readonly createKey: (name: string, publicKey: string) => Promise<string>
  /** Does nothing for one that is gone. */
  readonly deleteKey: (id: string) => Promise<void>
  /** What is left to do to a server that runs, such as firewalls; may be done again. */
  readonly finish: (id: string) => Promise<void>
}

/** A cloud, as data and one way in. */
export interface CloudDefinition extends Pick<Driver, 'name' | 'summary' | 'check'> {
  /** As a person calls it. */
  readonly title: string
  readonly flags: readonly DriverFlag[]
  /** Names of the flags that all clouds have under names of their own. */
  readonly flagNames: {
    readonly sshUser: string
    readonly sshPort: string
    readonly keyId: string
    readonly keyPath: string
    readonly userData: string
  }
  readonly connect: (settings: Settings, ports: DriverPorts, signal: AbortSignal) => CloudApi
}
