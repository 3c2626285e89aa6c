import type { StepName } from './step.ts'

/** What is told of provisioning as it goes on; a line of NDJSON each. */
export interface ProvisionEvent {
  /** Wall clock, RFC 3339. */
  readonly ts: string
  readonly machine: string
  readonly step: StepName
  /** Of the step, from 1. */
  readonly index: number
  readonly total: number
  /** `skip`: there was nothing to do. `change`: one line of a plan. `undo`: one change was taken back. */
  readonly event: 'start' | 'progress' | 'change' | 'skip' | 'ok' | 'fail' | 'undo'
  readonly message: string
  readonly data?: Readonly<Record<string, unknown>>
}
