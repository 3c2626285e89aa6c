import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../core/errors.ts'
import type { ProvisionPorts } from './provision-options.ts'
import type { StepName, UndoNote } from './step.ts'

/** How far the provisioning of a machine came. */
export interface ProvisionRecord {
  readonly startedAtMs: number
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

/** Keeps a record as a run goes on; a change is on disk before it is made. */
export class RecordKeeper {
  readonly #folder: string
  readonly #files: ProvisionPorts['files']
  #record: ProvisionRecord

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

  async keep(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const text = `${JSON.stringify(this.#record, undefined, 2)}\n`
    await this.#files.writeDurably(join(this.#folder, RECORD), text, 0o600)
  }
}
