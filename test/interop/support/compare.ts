import type { Difference } from '../differences.ts'

/** One thing that a script saw: what it asked, and the answer as JSON has it. */
export interface Answer {
  readonly step: string
  readonly value: unknown
}

const ABSENT = Symbol('absent')

/**
 * Every field in which the answers differ, in words: `step: field: shoal …, docker …`, and of lists of lines those that
 * Shoal has more or less. Both engines must have been asked the same. What the list allows is left out.
 */
export function disagreements(
  shoal: readonly Answer[],
  docker: readonly Answer[],
  allowed: readonly Difference[],
): string[] {
  const found: string[] = []
  for (let index = 0; index < Math.max(shoal.length, docker.length); index++) {
    const [ours, theirs] = [shoal[index], docker[index]]
    if (ours === undefined || theirs === undefined || ours.step !== theirs.step) {
      return [...found, `step ${index}: shoal did "${ours?.step}", docker "${theirs?.step}"`]
    }
    for (const difference of fieldsThatDiffer(ours.value, theirs.value, '')) {
      if (isAllowed(allowed, ours.step, difference.field)) continue
      found.push(`${ours.step}: ${inWords(difference)}`)
    }
  }
  return found
}

function isAllowed(allowed: readonly Difference[], step: string, field: string): boolean {
  return allowed.some(one => matches(one.step, step) && matches(one.field, field))
}

function inWords({ field, was, should }: FieldDifference): string {
  return isLine(field) ? field : `${field}: shoal ${show(was)}, docker ${show(should)}`
}

interface FieldDifference {
  readonly field: string
  readonly was: unknown
  readonly should: unknown
}

function* fieldsThatDiffer(ours: unknown, theirs: unknown, path: string): Generator<FieldDifference> {
  if (isLines(ours) && isLines(theirs)) {
    yield* linesThatDiffer(ours, theirs, path)
    return
  }
  const [left, right] = [childrenOf(ours), childrenOf(theirs)]
  if (left === undefined || right === undefined || Array.isArray(ours) !== Array.isArray(theirs)) {
    if (ours !== theirs) yield { field: path === '' ? '(all)' : path, was: ours, should: theirs }
    return
  }
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const [was, should] = [left.has(key) ? left.get(key) : ABSENT, right.has(key) ? right.get(key) : ABSENT]
    yield* fieldsThatDiffer(was, should, path === '' ? key : `${path}.${key}`)
  }
}

function isLines(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

/** Lines that only one has, by the longest common sequence: one line more must not make all that follow it different. */
function* linesThatDiffer(
  ours: readonly string[],
  theirs: readonly string[],
  path: string,
): Generator<FieldDifference> {
  const common = commonLengths(ours, theirs)
  let [left, right] = [0, 0]
  while (left < ours.length || right < theirs.length) {
    const [was, should] = [ours[left], theirs[right]]
    if (was !== undefined && was === should) {
      left++
      right++
    } else if (
      should === undefined ||
      (was !== undefined && at(common, left + 1, right) >= at(common, left, right + 1))
    ) {
      yield { field: `${path}: more: ${was}`, was, should: ABSENT }
      left++
    } else {
      yield { field: `${path}: less: ${should}`, was: ABSENT, should }
      right++
    }
  }
}

/** For each pair of ends of the two lists, how many lines they have in common in order. */
function commonLengths(ours: readonly string[], theirs: readonly string[]): readonly (readonly number[])[] {
  const table = Array.from({ length: ours.length + 1 }, () => Array.from({ length: theirs.length + 1 }, () => 0))
  for (let left = ours.length - 1; left >= 0; left--) {
    for (let right = theirs.length - 1; right >= 0; right--) {
      const row = table[left] ?? []
      row[right] =
        ours[left] === theirs[right]
          ? 1 + at(table, left + 1, right + 1)
          : Math.max(at(table, left + 1, right), at(table, left, right + 1))
    }
  }
  return table
}

function at(table: readonly (readonly number[])[], left: number, right: number): number {
  return table[left]?.[right] ?? 0
}

function isLine(field: string): boolean {
  return field.includes(': more: ') || field.includes(': less: ')
}

function childrenOf(value: unknown): Map<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined
}

/** `*` in a pattern stands for anything. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map(part => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text)
}

function show(value: unknown): string {
  return value === ABSENT ? 'has none' : JSON.stringify(value)
}
