import type { Problem } from '../problem.ts'
import { isList, isTree, type Path, showPath, type Tree } from '../tree.ts'
import type { DictionaryShape, EitherShape, RecordShape, ScalarShape, ScalarType, Shape } from './shape.ts'

export interface CheckOptions {
  /** One file of several: what it leaves out may stand in another. */
  readonly partial: boolean
}

/** Everything in `value` that does not fit the shape. */
export function checkShape(value: unknown, shape: Shape, options: CheckOptions, path: Path = []): readonly Problem[] {
  if (options.partial && value === null) return []
  switch (shape.kind) {
    case 'any':
      return []
    case 'scalar':
      return checkScalar(value, shape, path)
    case 'list': {
      if (!isList(value)) return [wrongKind(value, path, [shape])]
      const items = value.flatMap((item, index) => checkShape(item, shape.item, options, [...path, String(index)]))
      return shape.unique === true ? [...items, ...duplicates(value, path)] : items
    }
    case 'record':
      return isTree(value) ? checkRecord(value, shape, options, path) : [wrongKind(value, path, [shape])]
    case 'dictionary':
      return isTree(value) ? checkDictionary(value, shape, options, path) : [wrongKind(value, path, [shape])]
    case 'either':
      return checkEither(value, shape, options, path)
  }
}

function say(path: Path, message: string, where: Path = path): Problem {
  const line = message.replaceAll('\n', '\\n')
  return { message: path.length === 0 ? line : `${showPath(path)} ${line}`, path: where }
}

function checkScalar(value: unknown, shape: ScalarShape, path: Path): readonly Problem[] {
  if (!shape.types.some(type => isOfType(value, type))) return [wrongKind(value, path, [shape])]
  const complaint = shape.check?.(value)
  if (complaint === undefined) return []
  return [say(path, complaint.startsWith('must') || complaint.startsWith("'") ? `: ${complaint}` : complaint)].map(
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

function checkRecord(value: Tree, shape: RecordShape, options: CheckOptions, path: Path): readonly Problem[] {
  const unknown = Object.keys(value).filter(key => !Object.hasOwn(shape.fields, key) && !key.startsWith('x-'))
  const problems = unknown.map(key => {
    const meant = closest(key, Object.keys(shape.fields))
    const hint = meant === undefined ? '' : ` (did you mean '${meant}'?)`
    return say(path, `additional properties '${key}' not allowed${hint}`, [...path, key])
  })
  const missing = options.partial ? [] : shape.required.filter(key => !Object.hasOwn(value, key))
  return [
    ...problems,
    ...missing.map(key => say(path, `missing property '${key}'`)),
    ...Object.entries(shape.fields).flatMap(([key, field]) =>
      Object.hasOwn(value, key) ? checkShape(value[key], field, options, [...path, key]) : [],
    ),
  ]
}

function checkDictionary(value: Tree, shape: DictionaryShape, options: CheckOptions, path: Path): readonly Problem[] {
  return Object.entries(value).flatMap(([key, field]) => {
    if (shape.key !== undefined && !shape.key.test(key)) {
      const rule = 'a name is made of letters, digits and . _ -'
      return [say(path, `additional properties '${key}' not allowed: ${rule}`, [...path, key])]
    }
    return checkShape(field, shape.value, options, [...path, key])
  })
}

/** Of the shapes that are of the value's own kind, the failure with the fewest problems is the one that was meant. */
function checkEither(value: unknown, shape: EitherShape, options: CheckOptions, path: Path): readonly Problem[] {
  const candidates = shape.shapes.filter(one => isOfKind(value, one))
  const results = candidates.map(one => checkShape(value, one, options, path)).sort((a, b) => a.length - b.length)
  return results[0] ?? [wrongKind(value, path, shape.shapes)]
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
  const isDuration = /(?:interval|period|timeout|delay|monitor|window)$/.test(path.at(-1) ?? '')
  return typeof value === 'number' && isDuration ? `with a unit: ${value}s` : undefined
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
