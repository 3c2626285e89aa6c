import type { OsFamily } from '../hosts/os-table.ts'
import type { HostFacts } from './facts/host-facts.ts'
import type { RootShell } from './root-shell.ts'
import type { Wish } from './wish.ts'

/** The steps from a bare host to a member of a cluster, in their order. */
export const STEP_NAMES = [
  'resolve',
  'connect',
  'privilege',
  'facts',
  'preflight',
  'plan',
  'engine',
  'certs',
  'agent',
  'network',
  'join',
  'verify',
] as const

export type StepName = (typeof STEP_NAMES)[number]

const CHANGING: ReadonlySet<string> = new Set<StepName>(['engine', 'certs', 'agent', 'network', 'join'])

/** Whether a step may change the host; the others only look. */
export function isChanging(step: string): boolean {
  return CHANGING.has(step)
}

/** What a step knows when it plans: the host as it is, and as it is to be. */
export interface Scene {
  readonly facts: HostFacts
  readonly wish: Wish
}

/** What a step that changes something works with. */
export interface StepWork extends Scene {
  readonly shell: RootShell
  readonly signal: AbortSignal
  /** Of this run; files that it changes are kept under it. */
  readonly run: string
  /** One line on what happens now, for whoever watches. */
  readonly say: (line: string) => void
  /** Notes how to take back what is about to be done; kept in the store before it is done. */
  readonly note: (undo: UndoNote) => Promise<void>
}

/** What takes one change back. Notes are undone in reverse. */
export type UndoNote =
  | {
      readonly undo: 'remove-packages'
      readonly packages: readonly string[]
      /** Absent in what earlier versions wrote. */
      readonly database?: OsFamily['database']
      readonly words: readonly string[]
    }
  | { readonly undo: 'switch-bundle'; readonly to: string | undefined }
  | { readonly undo: 'restore-files'; readonly paths: readonly string[] }
  | { readonly undo: 'close-ports'; readonly filter: string; readonly ports: readonly string[] }
  | { readonly undo: 'stop-services'; readonly services: readonly string[] }
  /** Daemons that ran before: last of all they are started with what stands there again. */
  | { readonly undo: 'restart-services'; readonly services: readonly string[] }

/** One of the steps that change a host. */
export interface Step {
  readonly name: StepName
  readonly title: string
  /** What is to be changed, for people. Empty: all is as it is to be, and nothing is done. Looks at nothing but the scene. */
  readonly plan: (scene: Scene) => readonly string[]
  /** What is kept, where nothing is to be changed: `engine 0.1.0 kept`. */
  readonly kept: (scene: Scene) => string
  /** Does what was planned; may be run again after it was ended anywhere. */
  readonly apply: (work: StepWork) => Promise<void>
}
