import { collect, PathError, type Report } from '../problem.ts'
import { isList, isTree, mapValues, type Path, showPath } from '../tree.ts'
import { CASTS } from './casts.ts'
import { type Lookup, substitute, TemplateError } from './template.ts'

export interface InterpolateOptions {
  readonly lookup: Lookup
  readonly warn: (message: string) => void
  /** Hears of values that cannot be filled in, which stay as they are written. */
  readonly report: Report
}

/** Fills in the variables of every value of a tree (never of keys), and casts by path. */
export function interpolate(value: unknown, options: InterpolateOptions, path: Path = []): unknown {
  if (isTree(value)) return mapValues(value, (field, key) => interpolate(field, options, [...path, key]))
  if (isList(value)) return value.map((item, index) => interpolate(item, options, [...path, String(index)]))
  if (typeof value !== 'string') return value
  return collect(options.report, value, () => interpolateText(value, options, path))
}

function interpolateText(template: string, { lookup, warn }: InterpolateOptions, path: Path): unknown {
  const text = fill(template, lookup, warn, path)
  const cast = CASTS.find(path)
  if (cast === undefined) return text
  try {
    return cast(text, message => warn(`${showPath(path)}: ${message}`))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const where = showPath(path)
    throw new PathError(path, `error while interpolating ${where}: failed to cast to expected type: ${error.message}`)
  }
}

function fill(template: string, lookup: Lookup, warn: (message: string) => void, path: Path): string {
  try {
    return substitute(template, lookup, name =>
      warn(`The "${name}" variable is not set. Defaulting to a blank string.`),
    )
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    if (error.kind === 'required') {
      throw new PathError(path, `error while interpolating ${showPath(path)}: ${error.message}`)
    }
    throw new PathError(
      path,
      `invalid interpolation format for ${showPath(path)}: "${template}". You may need to escape any $ with another $`,
    )
  }
}
