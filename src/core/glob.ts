/** One element of a pattern. */
export type GlobToken =
  | { readonly kind: 'one'; readonly matches: (char: string) => boolean }
  /** Any row of characters that match. */
  | { readonly kind: 'many'; readonly matches: (char: string) => boolean }
  /** Nothing, or anything that ends with a slash. */
  | { readonly kind: 'directories' }

export const anyChar = (): boolean => true

export function exactly(char: string): GlobToken {
  return { kind: 'one', matches: other => other === char }
}

/**
 * Where a match of the pattern that begins at `from` can end, in order. All ways are followed at once, so the time is the
 * product of both lengths whatever the pattern: patterns come from whoever may build, and share the engine's one thread.
 */
export function globEnds(pattern: readonly GlobToken[], text: string, from = 0): readonly number[] {
  const ends: number[] = []
  // Two states for each token: before it (even), and inside its directories (odd).
  let states = new Set<number>()
  enter(pattern, states, 0)
  for (let at = from; ; at++) {
    if (states.has(pattern.length * 2)) ends.push(at)
    const char = text[at]
    if (char === undefined || states.size === 0) return ends
    const next = new Set<number>()
    for (const state of states) step(pattern, next, { state, char })
    states = next
  }
}

export function globMatches(pattern: readonly GlobToken[], text: string): boolean {
  return globEnds(pattern, text).at(-1) === text.length
}

/** Comes to stand before a token, and behind it where it may match nothing. */
function enter(pattern: readonly GlobToken[], states: Set<number>, index: number): void {
  for (let at = index; ; at++) {
    states.add(at * 2)
    const token = pattern[at]
    if (token === undefined || token.kind === 'one') return
    if (token.kind === 'directories') states.add(at * 2 + 1)
  }
}

function step(
  pattern: readonly GlobToken[],
  next: Set<number>,
  { state, char }: { readonly state: number; readonly char: string },
): void {
  const index = state >> 1
  const token = pattern[index]
  if (token === undefined) return
  if (token.kind === 'directories') {
    if (state % 2 === 0) return
    next.add(state)
    if (char === '/') enter(pattern, next, index + 1)
  } else if (token.matches(char)) {
    enter(pattern, next, token.kind === 'many' ? index : index + 1)
  }
}
