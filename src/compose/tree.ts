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
  return typeof value === 'number' ? numberText(value) : JSON.stringify(value)
}

function numberText(value: number): string {
  if (Number.isFinite(value)) {
    // Below a ten-thousandth Go writes powers of ten, with two digits.
    const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value)
    return text.replace(/e([-+])(\d)$/, 'e$10$2')
  }
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

/** How a tree is walked: what is known of a place is handed from parent to child. */
export interface TreeWalk<S> {
  /** What is known of a child; undefined: nothing below it changes. */
  readonly into: (state: S, key: string) => S | undefined
  /** What a value becomes whose children were changed already. */
  readonly change: (state: S, value: unknown, path: Path) => unknown
}

/**
 * Rebuilds a tree from the leaves up: children first, then `change` on what they became. What does not change is the same object
 * as before. `change` is lent the path: who keeps it copies it.
 */
export function rebuild(value: unknown, change: (value: unknown, path: Path) => unknown): unknown {
  return rebuildFrom(value, true, { into: state => state, change: (_state, rebuilt, path) => change(rebuilt, path) })
}

/** As {@link rebuild}, where the walk leads. */
export function rebuildFrom<S>(value: unknown, root: S, { into, change }: TreeWalk<S>): unknown {
  const path: string[] = []
  const visit = (node: unknown, state: S): unknown =>
    change(state, isList(node) ? list(node, state) : isTree(node) ? tree(node, state) : node, path)
  const child = (node: unknown, key: string, state: S): unknown => {
    const below = into(state, key)
    if (below === undefined) return node
    path.push(key)
    const changed = visit(node, below)
    path.pop()
    return changed
  }
  const list = (items: readonly unknown[], state: S): readonly unknown[] => {
    const changed = items.map((item, index) => child(item, String(index), state))
    return changed.every((item, index) => item === items[index]) ? items : changed
  }
  const tree = (fields: Tree, state: S): Tree => {
    let isChanged = false
    const entries: (readonly [string, unknown])[] = []
    for (const key of Object.keys(fields)) {
      const changed = child(fields[key], key, state)
      isChanged ||= changed !== fields[key] || changed === undefined
      entries.push([key, changed])
    }
    return isChanged ? fromEntries(entries) : fields
  }
  return visit(value, root)
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

/** The services of a model, by name. */
export function servicesOf(model: Tree): Readonly<Record<string, Tree>> {
  return mapValues(asTree(model['services']), asTree) as Readonly<Record<string, Tree>>
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
