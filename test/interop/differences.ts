/** A place where the embedded engine answers otherwise than Docker Engine 20.10, on purpose. `*` stands for anything. */
export interface Difference {
  /** The step of a script: `GET /version`, or the words of a program. */
  readonly step: string
  /** Path of the field in the answer, joined by dots; `(all)` for an answer without fields. */
  readonly field: string
  readonly why: string
}

/** The whole list. What is not here must be the same. */
export const DIFFERENCES: readonly Difference[] = []
