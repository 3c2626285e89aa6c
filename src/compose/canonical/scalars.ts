import { formatDuration, parseDuration } from '../../core/duration.ts'
import { parseBytes } from '../../core/units.ts'
import { keyValues } from '../merge/forms.ts'
import { asText, isList, isTree, mapValues, type Tree } from '../tree.ts'

/** Text of every value; null stays null (`environment`), because an absent value is not an empty one. */
export function textMap(value: unknown): unknown {
  const map = keyValues(value)
  return isTree(map) ? mapValues(map, field => (field === null ? null : asText(field))) : map
}

/** Text of every value; null is empty text (labels). */
export function labelMap(value: unknown): unknown {
  const map = keyValues(value)
  return isTree(map) ? mapValues(map, asText) : map
}

/** A size as a decimal text of bytes; -1 means without limit. Throws RangeError. */
export function sizeText(value: unknown): string {
  const text = asText(value).trim()
  if (text === '-1') return text
  try {
    return String(parseBytes(text))
  } catch {
    throw new RangeError(`invalid size: '${text}': expected a number and a unit, such as 512m or 2g`)
  }
}

/** A duration as Go writes it. Throws RangeError. */
export function durationText(value: unknown): string {
  const text = asText(value).trim()
  try {
    const ms = parseDuration(text)
    if (ms > 0 && ms < 1e-3) return `${Math.round(ms * 1e6)}ns`
    if (ms > 0 && ms < 1) return `${Number((ms * 1e3).toPrecision(12))}µs`
    return formatDuration(Number(ms.toPrecision(15)))
  } catch {
    throw new RangeError(`invalid duration "${text}": expected a number with a unit, such as 30s or 1m30s`)
  }
}

/** Milliseconds of a canonical duration. */
export function durationMs(value: unknown): number | undefined {
  return typeof value === 'string' && value !== '' ? parseDuration(value.replace('µ', 'u')) : undefined
}

/** File modes are written as octal text. */
export function modeText(value: unknown): string {
  const mode = typeof value === 'number' ? value : Number.parseInt(asText(value), 8)
  if (!Number.isInteger(mode) || mode < 0) throw new RangeError(`invalid file mode "${asText(value)}"`)
  return `0${mode.toString(8)}`
}

/** One entry or a list of entries, as a list. */
export function listForm(value: unknown): unknown {
  return value === null || value === undefined || isList(value) ? value : [value]
}

/** `a` as `{source: a}`. */
export function sourceForm(value: unknown): Tree {
  return isTree(value) ? value : { source: asText(value) }
}
