import { anyChar, exactly, type GlobToken, globMatches } from '../glob.ts'

const inComponent = (char: string): boolean => char !== '/'

/** Matches Go's path patterns: `*` and `?` within a component, `[a-z]`, `[^a]`, and `**` across components. */
export function pathPattern(pattern: string): (path: string) => boolean {
  const tokens = readPattern(pattern.split(''))
  return path => globMatches(tokens, path)
}

function readPattern(chars: readonly string[]): readonly GlobToken[] {
  const tokens: GlobToken[] = []
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? ''
    if (char === '*' && chars[at + 1] === '*') {
      const isWhole = chars[at + 2] === '/'
      tokens.push(isWhole ? { kind: 'directories' } : { kind: 'many', matches: anyChar })
      at += isWhole ? 2 : 1
    } else if (char === '*') {
      tokens.push({ kind: 'many', matches: inComponent })
    } else if (char === '?') {
      tokens.push({ kind: 'one', matches: inComponent })
    } else if (char === '[') {
      const read = readSet(chars, at)
      if (read === undefined) return []
      tokens.push(read.token)
      at = read.last
    } else {
      tokens.push(exactly(char === '\\' ? (chars[++at] ?? '\\') : char))
    }
  }
  return tokens
}

/** A set such as `[a-z]`, with where it ends; undefined for one that does not. */
function readSet(
  chars: readonly string[],
  from: number,
): { readonly token: GlobToken; readonly last: number } | undefined {
  const isNegated = chars[from + 1] === '^'
  const ranges: (readonly [string, string])[] = []
  let at = from + (isNegated ? 2 : 1)
  while (chars[at] !== ']' || ranges.length === 0) {
    const low = chars[at] === '\\' ? chars[++at] : chars[at]
    if (low === undefined) return undefined
    at++
    if (chars[at] !== '-') {
      ranges.push([low, low])
      continue
    }
    const high = chars[at + 1] === '\\' ? chars[++at + 1] : chars[at + 1]
    if (high === undefined) return undefined
    ranges.push([low, high])
    at += 2
  }
  const matches = (char: string): boolean =>
    inComponent(char) && ranges.some(([low, high]) => char >= low && char <= high) !== isNegated
  return { token: { kind: 'one', matches }, last: at }
}

/**
 * Reads a .dockerignore; the function tells whether a path of the context (no leading slash) is left out. The last
 * pattern that matches decides, and one that matches a directory matches all below it.
 */
export function ignoreRules(content: string): (path: string) => boolean {
  const lines = content.replace(/^\uFEFF/, '').split(/\r?\n/)
  return excludeRules(lines.filter(line => !line.startsWith('#')))
}

/** As {@link ignoreRules}, of patterns that stand alone (`--exclude`). */
export function excludeRules(patterns: readonly string[]): (path: string) => boolean {
  const rules = patterns
    .map(line => line.trim())
    .filter(line => line !== '' && line !== '!')
    .map(line => {
      const negated = line.startsWith('!')
      return { negated, matches: pathPattern(cleanPath(negated ? line.slice(1).trim() : line)) }
    })
  return path => {
    const parts = path.split('/')
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    const last = rules.findLast(({ matches }) => prefixes.some(matches))
    return last !== undefined && !last.negated
  }
}

/** A pattern without leading and trailing slashes, `.` and `..`. */
function cleanPath(pattern: string): string {
  const parts: string[] = []
  for (const part of pattern.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}
