/** Our own mistake, never the user's input. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

export function invariant(holds: boolean, what: string): asserts holds {
  if (!holds) throw new InvariantError(`Broken invariant: ${what}`)
}

/** Closes an exhaustive switch: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`Broken invariant: unexpected value ${JSON.stringify(value)}`)
}
