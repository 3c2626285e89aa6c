import { badFlag, type Options } from '../../cli/index.ts'

/** A field that is left out, not set to undefined, if there is no value. */
export function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V })
}

/** The list, or undefined if it is empty. */
export function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}

/** Reads the text of a flag; what reading throws, and what is not taken, is told with the flag's name. Throws BAD_FLAG. */
export function readText<T>(
  options: Options,
  { option, flag, expected }: { readonly option: string; readonly flag: string; readonly expected: string },
  read: (text: string) => T | undefined,
): T | undefined {
  const text = options.text(option)
  return text === undefined ? undefined : readOne(text, { flag, expected }, read)
}

export function readOne<T>(
  text: string,
  { flag, expected }: { readonly flag: string; readonly expected: string },
  read: (text: string) => T | undefined,
): T {
  let value: T | undefined
  try {
    value = read(text)
  } catch {
    value = undefined
  }
  if (value !== undefined) return value
  throw badFlag(`Cannot use --${flag} "${text}": expected ${expected}`)
}

/** An absolute path. */
export function absolutePath(options: Options, option: string): string | undefined {
  const path = options.text(option)
  if (path === undefined || path.startsWith('/')) return path
  throw badFlag(`Cannot use the path "${path}": expected an absolute one`)
}

/** A whole number of at least `min`. */
export function wholeNumber(
  options: Options,
  { option, flag, min, max = Number.MAX_SAFE_INTEGER }: { option: string; flag: string; min: number; max?: number },
): number | undefined {
  const range = max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `${min} to ${max}`
  return readText(options, { option, flag, expected: range }, text => {
    const value = Number(text)
    return Number.isInteger(value) && text.trim() !== '' && value >= min && value <= max ? value : undefined
  })
}
