import { type Path, rebuildFrom } from './tree.ts'

/** Rows of `pattern -> rule`, where `*` in a pattern stands for any one key. Of rows that match, the first one counts. */
export interface PathTable<T> {
  readonly find: (path: Path) => T | undefined
  /**
   * Rebuilds a tree from the leaves up, where there are rules: children first, then `change` on what they became. What does not
   * change is the same object as before. `change` is lent the path: who keeps it copies it.
   */
  readonly rebuild: (value: unknown, change: (rule: T, value: unknown, path: Path) => unknown) => unknown
}

/** What the rows say about one place: a rule, and how the patterns that are longer go on. */
interface Place<T> {
  row?: { readonly index: number; readonly rule: T }
  readonly next: Map<string, Place<T>>
}

/** Indexes rows by their keys, so that a walk over a tree goes only where a rule is. */
export function pathTable<T>(rows: readonly (readonly [pattern: string, rule: T])[]): PathTable<T> {
  const root: Place<T> = { next: new Map() }
  for (const [index, [pattern, rule]] of rows.entries()) {
    const end = pattern.split('.').reduce((place, key) => nextPlace(place, key), root)
    end.row ??= { index, rule }
  }
  return {
    find: path => firstRule(path.reduce<readonly Place<T>[]>(step, [root])),
    rebuild: (value, change) =>
      rebuildFrom<readonly Place<T>[]>(value, [root], {
        into: (places, key) => {
          const below = step(places, key)
          return below.length === 0 ? undefined : below
        },
        change: (places, rebuilt, path) => {
          const rule = firstRule(places)
          return rule === undefined ? rebuilt : change(rule, rebuilt, path)
        },
      }),
  }
}

function nextPlace<T>(place: Place<T>, key: string): Place<T> {
  const known = place.next.get(key)
  if (known !== undefined) return known
  const added: Place<T> = { next: new Map() }
  place.next.set(key, added)
  return added
}

function step<T>(places: readonly Place<T>[], key: string): readonly Place<T>[] {
  const found: Place<T>[] = []
  for (const { next } of places) {
    const named = next.get(key)
    const any = next.get('*')
    if (named !== undefined) found.push(named)
    if (any !== undefined) found.push(any)
  }
  return found
}

function firstRule<T>(places: readonly Place<T>[]): T | undefined {
  let first: Place<T>['row']
  for (const { row } of places) {
    if (row !== undefined && (first === undefined || row.index < first.index)) first = row
  }
  return first?.rule
}
