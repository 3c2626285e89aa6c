import { lineError } from './errors.ts'

/** `--name=value` in front of an instruction's arguments, each name with its values in order. */
export type Flags = ReadonlyMap<string, readonly string[]>

export interface FlagRules {
  /** Flags with a value. */
  readonly texts?: readonly string[]
  /** Flags that may stand alone. */
  readonly switches?: readonly string[]
  /** Those of `texts` that may come several times. */
  readonly lists?: readonly string[]
}

/** Cuts the flags off the front of an instruction's arguments; quotes and escapes keep white space inside a flag. */
export function cutFlags(text: string, escape: string): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = []
  let rest = text.trimStart()
  while (rest.startsWith('--')) {
    const { word, length } = readFlag(rest, escape)
    rest = rest.slice(length).trimStart()
    if (word === '--') break
    flags.push(word)
  }
  return { flags, rest }
}

function readFlag(text: string, escape: string): { readonly word: string; readonly length: number } {
  let word = ''
  let quote = ''
  let at = 0
  for (; at < text.length; at++) {
    const char = text[at] ?? ''
    if (quote === '' && /\s/.test(char)) break
    if (char === escape && at + 1 < text.length) {
      word += text[++at] ?? ''
    } else if (char === quote) {
      quote = ''
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char
    } else {
      word += char
    }
  }
  return { word, length: at }
}

/** Checks flags against those an instruction knows. Throws DOCKERFILE naming the flag. */
export function readFlags(words: readonly string[], rules: FlagRules, line: number): Flags {
  const flags = new Map<string, string[]>()
  for (const word of words) {
    const equals = word.indexOf('=')
    const name = word.slice(2, equals < 0 ? undefined : equals)
    const value = readValue(name, equals < 0 ? undefined : word.slice(equals + 1), { rules, line })
    const values = flags.get(name) ?? []
    if (values.length > 0 && rules.lists?.includes(name) !== true) {
      throw lineError(line, `Duplicate flag specified: ${name}`)
    }
    flags.set(name, [...values, value])
  }
  return flags
}

function readValue(
  name: string,
  value: string | undefined,
  { rules, line }: { readonly rules: FlagRules; readonly line: number },
): string {
  if (rules.switches?.includes(name) === true) {
    if (['true', 'false', undefined].includes(value?.toLowerCase())) return value ?? 'true'
    throw lineError(line, `Expecting boolean value for flag ${name}, not: ${value}`)
  }
  if (rules.texts?.includes(name) !== true) throw lineError(line, `Unknown flag: ${name}`)
  if (value === undefined) throw lineError(line, `Missing a value on flag: ${name}`)
  return value
}

/** The value of a flag that may come once. */
export function flagText(flags: Flags, name: string): string | undefined {
  return flags.get(name)?.at(-1)
}

export function flagSet(flags: Flags, name: string): boolean {
  return flagText(flags, name)?.toLowerCase() === 'true'
}
