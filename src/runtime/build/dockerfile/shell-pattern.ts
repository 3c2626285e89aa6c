import { anyChar, exactly, type GlobToken } from '../../../core/glob.ts'

/** Reads a shell's pattern: `*`, `?`, and a backslash before what is meant itself. */
export function shellPattern(pattern: string): readonly GlobToken[] {
  const tokens: GlobToken[] = []
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? ''
    if (char === '*') tokens.push({ kind: 'many', matches: anyChar })
    else if (char === '?') tokens.push({ kind: 'one', matches: anyChar })
    else tokens.push(exactly(char === '\\' ? (pattern[++at] ?? '\\') : char))
  }
  return tokens
}
