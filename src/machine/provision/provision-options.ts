import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { SshTarget } from '../drivers/driver.ts'
import type { Machine } from '../model/machine.ts'
import type { StoreFiles } from '../ports.ts'
import type { Transport } from '../ssh/transport.ts'
import type { MachineStore } from '../store/machine-store.ts'
import type { Bundle } from './bundle/bundle.ts'
import type { ProvisionEvent } from './event.ts'
import type { PeerAccess } from './probe-overlay.ts'
import type { StepName } from './step.ts'
import type { Certifier, Membership, TrustFiles } from './trust.ts'

/** A machine, and what it takes to provision it. */
export interface ProvisionRequest {
  readonly machine: Machine
  /** Its name or address as others reach it. */
  readonly address: string
  /** Of its engine: `tcp://10.0.0.5:2376`. */
  readonly url: string
  /** Connects as `target` says; `connectHost` with the machine's pinned keys. */
  readonly target: SshTarget
  readonly connect: (signal: AbortSignal) => Promise<Transport>
  /** Shoal as it is pushed to hosts. */
  readonly bundle: Bundle
  /** Secrets by which the host becomes a member; absent: it joins without certificates (`--insecure`). */
  readonly trust?: TrustFiles
  /** Signs for an engine outside of any cluster; absent: such an engine is reached through SSH alone. */
  readonly certifier?: Certifier
  /** A node with which it is to share networks: whether these come through is tried once it joins. */
  readonly peer?: PeerAccess
  /** The cluster as the person reaches it; absent: whether the host is a member is asked of the host alone. */
  readonly membership?: Membership
}

export interface ProvisionOptions {
  /** Changes nothing: what would be changed is told as `change` events. */
  readonly dryRun?: boolean
  /** The first of the changing steps that is done, and the last. */
  readonly from?: StepName
  readonly until?: StepName
  /** Takes back what this run changed when a step fails. Without, what was done stays, and the next run goes on from there. */
  readonly rollback?: boolean
  /** Uses no package mirror: packages must be there, or are files of this directory. */
  readonly offline?: boolean
  readonly packageDirectory?: string
  /** A person's answer to warnings, such as that containers stop; absent: warnings are told and passed over. */
  readonly confirm?: (warnings: readonly string[]) => Promise<boolean>
  /** Asked once, where the person who logs in needs a password for sudo. */
  readonly sudoPassword?: () => Promise<string>
  /** How long package locks and cloud-init are waited for (default: five minutes). */
  readonly lockWaitMs?: number
  readonly signal: AbortSignal
  readonly onEvent: (event: ProvisionEvent) => void
}

export interface ProvisionPorts {
  readonly clock: Clock
  readonly random: Random
  readonly store: Pick<MachineStore, 'folderOf'>
  readonly files: Pick<StoreFiles, 'writeDurably'>
}

export interface ProvisionResult {
  readonly ok: boolean
  readonly machine: string
  /** 0; 3 a check refused; 10 unreachable, 11 host key, 12 login, 13 privilege; 1 anything else. */
  readonly exitCode: number
  readonly changed: readonly StepName[]
  /** How many changes were planned when the host was first looked at; 0 also where it did not come so far. */
  readonly planned: number
  readonly warnings: readonly string[]
  /** Commands that were run on the host. */
  readonly roundTrips: number
  readonly durationMs: number
  /** How much of what it had changed was taken back; absent: nothing was to be. */
  readonly takenBack?: 'all' | 'some'
  /** Where it stopped, and why. */
  readonly failed?: { readonly step: StepName; readonly error: Error }
}
