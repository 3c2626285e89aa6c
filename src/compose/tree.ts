/** A mapping of the untyped model: what YAML gives, and what every phase but the last works on. */
export type Tree = Readonly<Record<string, unknown>>

/** Keys from the root; an index of a list is written in digits. */
export type Path = readonly string[]

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

export function asTree(value: unknown): Tree {
  return isTree(value) ? value : {}
}

export function asList(value: unknown): readonly unknown[] {
  return isList(value) ? value : value === undefined || value === null ? [] : [value]
}

/** A scalar as Go prints it; the text of `null` is empty. */
export function asText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}

/** Rows of `pattern -> rule`, where `*` in a pattern stands for any one key. */
export interface PathTable<T> {
  /** The rule of the first row that matches. */
  readonly find: (path: Path) => T | undefined
}

/** Indexes rows by length, so that a walk over a tree does not compare each path with each row. */
export function pathTable<T>(rows: readonly (readonly [pattern: string, rule: T])[]): PathTable<T> {
  const byLength = new Map<number, { readonly parts: readonly string[]; readonly rule: T }[]>()
  for (const [pattern, rule] of rows) {
    const parts = pattern.split('.')
    byLength.set(parts.length, [...(byLength.get(parts.length) ?? []), { parts, rule }])
  }
  return {
    find: path =>
      byLength.get(path.length)?.find(({ parts }) => parts.every((part, index) => part === '*' || part === path[index]))
        ?.rule,
  }
}

/** Rebuilds a tree from the leaves up: children first, then `change` on what they became. */
export function rebuild(value: unknown, change: (value: unknown, path: Path) => unknown, path: Path = []): unknown {
  if (isTree(value)) {
    const entries = Object.entries(value).map(([key, field]) => [key, rebuild(field, change, [...path, key])] as const)
    return change(fromEntries(entries), path)
  }
  if (isList(value)) {
    return change(
      value.map((item, index) => rebuild(item, change, [...path, String(index)])),
      path,
    )
  }
  return change(value, path)
}

/** Like Object.fromEntries, without giving a meaning to `__proto__`; undefined fields are left out. */
export function fromEntries(entries: Iterable<readonly [string, unknown]>): Tree {
  const tree: Record<string, unknown> = {}
  for (const [key, value] of entries) {
    if (value === undefined) continue
    if (key === '__proto__') Object.defineProperty(tree, key, { value, enumerable: true, configurable: true })
    else tree[key] = value
  }
  return tree
}

export function mapValues(tree: Tree, change: (value: unknown, key: string) => unknown): Tree {
  return fromEntries(Object.entries(tree).map(([key, value]) => [key, change(value, key)]))
}

/** A copy without some keys. */
export function without(tree: Tree, ...keys: readonly string[]): Tree {
  return fromEntries(Object.entries(tree).filter(([key]) => !keys.includes(key)))
}

/** The value at a path; undefined where the path leaves the tree. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => {
    if (isList(at)) return at[Number(key)]
    return isTree(at) && Object.hasOwn(at, key) ? at[key] : undefined
  }, value)
}

/** A copy without the value at a path; paths that do not exist change nothing. */
export function removeAt(value: unknown, path: Path): unknown {
  const [key, ...rest] = path
  if (key === undefined || !isTree(value) || !Object.hasOwn(value, key)) return value
  if (rest.length === 0) return without(value, key)
  return { ...value, [key]: removeAt(value[key], rest) }
}

/** `services.web.ports.0`, as messages show it. */
export function showPath(path: Path): string {
  return path.join('.').replaceAll('\n', '\\n')
}
