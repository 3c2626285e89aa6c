import type { Problem } from '../problem.ts'
import { isList, isTree, type Path, showPath, type Tree } from '../tree.ts'
import type { DictionaryShape, EitherShape, ListShape, RecordShape, ScalarShape, ScalarType, Shape } from './shape.ts'

export interface CheckOptions {
  /** One file of several: what it leaves out may stand in another. */
  readonly partial: boolean
}

/** Everything in `value` that does not fit the shape. */
export function checkShape(value: unknown, shape: Shape, options: CheckOptions): readonly Problem[] {
  const problems: Problem[] = []
  new ShapeCheck(options, problems).check(value, shape)
  return problems
}

/** One walk over a tree; it keeps the path it is at, so that what fits costs nothing. */
class ShapeCheck {
  readonly #options: CheckOptions
  readonly #path: string[]
  readonly #problems: Problem[]

  constructor(options: CheckOptions, problems: Problem[], path: Path = []) {
    this.#options = options
    this.#problems = problems
    this.#path = [...path]
  }

  check(value: unknown, shape: Shape): void {
    if (this.#options.partial && value === null) return
    switch (shape.kind) {
      case 'any':
        return
      case 'scalar':
        for (const problem of checkScalar(value, shape, this.#path)) this.#problems.push(problem)
        return
      case 'list':
        if (isList(value)) this.#list(value, shape)
        else this.#wrongKind(value, [shape])
        return
      case 'record':
        if (isTree(value)) this.#record(value, shape)
        else this.#wrongKind(value, [shape])
        return
      case 'dictionary':
        if (isTree(value)) this.#dictionary(value, shape)
        else this.#wrongKind(value, [shape])
        return
      case 'either':
        this.#either(value, shape)
    }
  }

  #wrongKind(value: unknown, shapes: readonly Shape[]): void {
    this.#problems.push(wrongKind(value, [...this.#path], shapes))
  }

  #child(key: string, value: unknown, shape: Shape): void {
    this.#path.push(key)
    this.check(value, shape)
    this.#path.pop()
  }

  #list(list: readonly unknown[], shape: ListShape): void {
    for (const [index, item] of list.entries()) this.#child(String(index), item, shape.item)
    if (shape.unique === true && list.length > 1) this.#problems.push(...duplicates(list, [...this.#path]))
  }

  #record(value: Tree, shape: RecordShape): void {
    for (const key of Object.keys(value)) {
      const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined
      if (field !== undefined) this.#child(key, value[key], field)
      else if (!key.startsWith('x-')) this.#problems.push(unknownKey(key, [...this.#path], shape))
    }
    if (this.#options.partial) return
    for (const key of shape.required) {
      if (!Object.hasOwn(value, key)) this.#problems.push(say([...this.#path], `missing property '${key}'`))
    }
  }

  #dictionary(value: Tree, shape: DictionaryShape): void {
    for (const key of Object.keys(value)) {
      if (shape.key === undefined || shape.key.pattern.test(key)) {
        this.#child(key, value[key], shape.value)
        continue
      }
      const message = `additional properties '${key}' not allowed: ${shape.key.said}`
      this.#problems.push(say([...this.#path], message, [...this.#path, key]))
    }
  }

  /** Of the shapes that are of the value's own kind, the failure with the fewest problems is the one that was meant. */
  #either(value: unknown, { shapes }: EitherShape): void {
    const candidates = shapes.filter(one => isOfKind(value, one))
    const [only] = candidates
    if (only === undefined) this.#wrongKind(value, shapes)
    else if (candidates.length === 1) this.check(value, only)
    else {
      const results = candidates.map(one => this.#apart(value, one)).sort((a, b) => a.length - b.length)
      this.#problems.push(...(results[0] ?? []))
    }
  }

  #apart(value: unknown, shape: Shape): readonly Problem[] {
    const problems: Problem[] = []
    new ShapeCheck(this.#options, problems, this.#path).check(value, shape)
    return problems
  }
}

function say(path: Path, message: string, where: Path = path): Problem {
  const line = message.replaceAll('\n', '\\n')
  return { message: path.length === 0 ? line : `${showPath(path)} ${line}`, path: where }
}

function checkScalar(value: unknown, shape: ScalarShape, path: Path): readonly Problem[] {
  if (!shape.types.some(type => isOfType(value, type))) return [wrongKind(value, [...path], [shape])]
  const complaint = shape.check?.(value)
  if (complaint === undefined) return []
  return [say([...path], complaint.startsWith('must') || complaint.startsWith("'") ? `: ${complaint}` : complaint)].map(
    problem => ({ ...problem, message: problem.message.replace(' : ', ': ') }),
  )
}

function isOfType(value: unknown, type: ScalarType): boolean {
  switch (type) {
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value)
    case 'null':
      return value === null
    default:
      return typeof value === type
  }
}

function duplicates(list: readonly unknown[], path: Path): readonly Problem[] {
  const texts = list.map(item => JSON.stringify(item))
  const again = texts.findIndex((text, index) => texts.indexOf(text) < index)
  if (again < 0) return []
  const message = `items at ${texts.indexOf(texts[again] ?? '')} and ${again} are equal`
  return [say(path, message, [...path, String(again)])]
}

function unknownKey(key: string, path: Path, shape: RecordShape): Problem {
  const meant = closest(key, Object.keys(shape.fields))
  const hint = meant === undefined ? '' : ` (did you mean '${meant}'?)`
  return say(path, `additional properties '${key}' not allowed${hint}`, [...path, key])
}

function isOfKind(value: unknown, shape: Shape): boolean {
  switch (shape.kind) {
    case 'scalar':
      return shape.types.some(type => isOfType(value, type))
    case 'list':
      return isList(value)
    case 'record':
    case 'dictionary':
      return isTree(value)
    default:
      return true
  }
}

/** In the reference's words, its article included, because they are what people search for. */
function wrongKind(value: unknown, path: Path, shapes: readonly Shape[]): Problem {
  const all = [...new Set(shapes.flatMap(kindNames))].sort()
  // Who writes a fraction where a whole number or a text stands meant the number.
  const kinds = typeof value === 'number' && all.includes('integer') ? ['integer'] : all
  const last = kinds.at(-1) ?? 'something else'
  const names = kinds.length <= 1 ? last : `${kinds.slice(0, -1).join(', ')} or ${last}`
  const hint = kinds.includes('array') ? listHint(value, path) : unitHint(value, path)
  return say(path, `must be a ${names}${hint === undefined ? '' : ` (${hint})`}`)
}

function listHint(value: unknown, path: Path): string | undefined {
  const key = path.at(-1) ?? ''
  if (isTree(value)) return `a list: lines that begin with "- " under ${key}`
  return typeof value === 'object' ? undefined : `a list: write ${key}: [${JSON.stringify(value)}]`
}

function unitHint(value: unknown, path: Path): string | undefined {
  if (typeof value !== 'number') return undefined
  const key = path.at(-1) ?? ''
  if (key === 'memory') return `with a unit: ${value}b`
  return /(?:interval|period|timeout|delay|monitor|window)$/.test(key) ? `with a unit: ${value}s` : undefined
}

function kindNames(shape: Shape): readonly string[] {
  switch (shape.kind) {
    case 'scalar':
      return shape.types
    case 'list':
      return ['array']
    default:
      return ['mapping']
  }
}

/** The known name that a typo was meant to be, if one is near. */
function closest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map(candidate => ({ candidate, distance: editDistance(name.toLowerCase(), candidate) }))
    .sort((a, b) => a.distance - b.distance)
  const [best] = ranked
  return best !== undefined && best.distance <= Math.min(2, Math.floor(name.length / 3)) ? best.candidate : undefined
}

/** Letters to add, drop, change, or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(substitution, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
