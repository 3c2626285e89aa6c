import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../core/errors.ts'
import type { ProvisionPorts } from './provision-options.ts'
import { isChanging, type StepName, type UndoNote } from './step.ts'

/** How far the provisioning of a machine came. */
export interface ProvisionRecord {
  readonly startedAtMs: number
  /** How each went when it was done last; of runs that came no further than a look nothing is kept. */
  readonly steps: Readonly<Partial<Record<StepName, StepRecord>>>
  /** What takes the last run's changes back, first to last. */
  readonly undo: readonly UndoNote[]
}

export interface StepRecord {
  readonly status: 'running' | 'done' | 'skipped' | 'failed'
  readonly startedAtMs: number
  readonly durationMs?: number
  readonly error?: string
}

const RECORD = 'provision.json'

/** The record of the last run, for people and for `machine inspect`; undefined: there was none, or it was cut off. */
export async function readProvisionRecord(folder: string): Promise<ProvisionRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, RECORD), 'utf8')) as ProvisionRecord
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Whether a run came to the steps that change a host, so that something may have been done to it. */
export function hasBegun({ steps }: ProvisionRecord): boolean {
  return Object.keys(steps).some(isChanging)
}

/** Keeps a record as a run goes on; a change is on disk before it is made. */
export class RecordKeeper {
  readonly #folder: string
  readonly #files: ProvisionPorts['files']
  #record: ProvisionRecord
  #earlier: ProvisionRecord['steps'] | undefined

  constructor(folder: string, files: ProvisionPorts['files'], startedAtMs: number) {
    this.#folder = folder
    this.#files = files
    this.#record = { startedAtMs, steps: {}, undo: [] }
  }

  get undo(): readonly UndoNote[] {
    return this.#record.undo
  }

  /** Kept with the next change: a step that changes nothing need not be remembered if this process dies. */
  step(name: StepName, step: StepRecord): void {
    this.#record = { ...this.#record, steps: { ...this.#record.steps, [name]: step } }
  }

  async note(note: UndoNote): Promise<void> {
    this.#record = { ...this.#record, undo: [...this.#record.undo, note] }
    await this.keep()
  }

  /** Does nothing before the first step that may change a host: a run that only looked is not the machine's story. */
  async keep(): Promise<void> {
    if (!hasBegun(this.#record)) return
    this.#earlier ??= (await readProvisionRecord(this.#folder))?.steps ?? {}
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const record = { ...this.#record, steps: { ...this.#earlier, ...this.#record.steps } }
    const text = `${JSON.stringify(record, undefined, 2)}\n`
    await this.#files.writeDurably(join(this.#folder, RECORD), text, 0o600)
  }
}
