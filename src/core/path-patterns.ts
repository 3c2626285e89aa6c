import { anyChar, exactly, type GlobToken, globMatches } from './glob.ts'

const inComponent = (char: string): boolean => char !== '/'

/** Matches one name as Go's filepath.Match does: `*`, `?`, `[a-z]`, `[^a]`, and a backslash before what is meant itself. */
export function namePattern(pattern: string): (name: string) => boolean {
  const tokens = readPattern(pattern, { crossing: false })
  return name => tokens !== undefined && globMatches(tokens, name)
}

/**
 * Matches whole paths: as {@link namePattern} within a component, and `**` for any number of directories; in front of plain
 * text it stands for anything that ends so.
 */
export function pathPattern(pattern: string): (path: string) => boolean {
  const end = /^\*\*([^/*?[\]\\][^*?[\]\\]*)$/.exec(pattern)?.[1]
  if (end !== undefined) return path => path.endsWith(end)
  const tokens = readPattern(pattern, { crossing: true })
  return path => tokens !== undefined && globMatches(tokens, path)
}

/** The tokens of a pattern; undefined for one that is malformed, which matches nothing. */
function readPattern(text: string, { crossing }: { readonly crossing: boolean }): readonly GlobToken[] | undefined {
  const tokens: GlobToken[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (crossing && char === '*' && text[at + 1] === '*') {
      at += text[at + 2] === '/' ? 2 : 1
      tokens.push(at + 1 === text.length ? { kind: 'many', matches: anyChar } : { kind: 'directories' })
    } else if (char === '*') {
      tokens.push({ kind: 'many', matches: inComponent })
    } else if (char === '?') {
      tokens.push({ kind: 'one', matches: inComponent })
    } else if (char === '[') {
      const read = readSet(text, at)
      if (read === undefined) return undefined
      tokens.push(read.token)
      at = read.last
    } else if (char === '\\') {
      if (at + 1 === text.length) return undefined
      tokens.push(exactly(text[++at] ?? ''))
    } else tokens.push(exactly(char))
  }
  return tokens
}

/** A set such as `[a-z]`, with where it ends; undefined for one that does not. */
function readSet(text: string, from: number): { readonly token: GlobToken; readonly last: number } | undefined {
  const isNegated = text[from + 1] === '^'
  const ranges: (readonly [string, string])[] = []
  let at = from + (isNegated ? 2 : 1)
  while (text[at] !== ']' || ranges.length === 0) {
    const low = text[at] === '\\' ? text[++at] : text[at]
    if (low === undefined) return undefined
    at++
    if (text[at] !== '-') {
      ranges.push([low, low])
      continue
    }
    const high = text[at + 1] === '\\' ? text[++at + 1] : text[at + 1]
    if (high === undefined) return undefined
    ranges.push([low, high])
    at += 2
  }
  const matches = (char: string): boolean =>
    inComponent(char) && ranges.some(([low, high]) => char >= low && char <= high) !== isNegated
  return { token: { kind: 'one', matches }, last: at }
}

export interface IgnoreRules {
  /** Whether a path (no leading slash) is left out: the last pattern that matches it, or a directory it is in, decides. */
  readonly isIgnored: (path: string) => boolean
  /** Whether a `!` pattern may take back something below a directory that is left out. */
  readonly mayKeepBelow: (directory: string) => boolean
}

/** Reads a .dockerignore. Source: the ignore file reader and pattern matcher of Docker's clients. */
export function ignoreRules(content: string): IgnoreRules {
  const lines = content.replace(/^\uFEFF/, '').split(/\r?\n/)
  return excludeRules(lines.filter(line => !line.startsWith('#')))
}

/** As {@link ignoreRules}, of patterns that stand alone (`COPY --exclude`). */
export function excludeRules(patterns: readonly string[]): IgnoreRules {
  const rules = patterns
    .map(line => line.trim())
    .filter(line => line !== '' && line !== '!')
    .map(line => {
      const negated = line.startsWith('!')
      const text = cleanPath(negated ? line.slice(1).trim() : line)
      return { negated, text, matches: pathPattern(text) }
    })
  return {
    isIgnored: path => {
      const parts = path.split('/')
      const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
      const last = rules.findLast(({ matches }) => prefixes.some(matches))
      return last !== undefined && !last.negated
    },
    // Patterns are compared as text, as Docker does: `!**/x` takes back nothing below a directory that is left out whole.
    mayKeepBelow: directory => rules.some(({ negated, text }) => negated && `${text}/`.startsWith(`${directory}/`)),
  }
}

/** A pattern without leading and trailing slashes, `.` and `..`. */
function cleanPath(pattern: string): string {
  const parts: string[] = []
  for (const part of pattern.split('/')) {
    const isUp = part === '..' && parts.length > 0 && parts.at(-1) !== '..'
    if (isUp) parts.pop()
    else if (part !== '' && part !== '.' && !(part === '..' && pattern.startsWith('/'))) parts.push(part)
  }
  return parts.join('/')
}
