/** Matches Go's path patterns: `*` and `?` within a component, `[a-z]`, and `**` across components. */
export function patternExpression(pattern: string): RegExp {
  let source = ''
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? ''
    if (char === '*' && pattern[at + 1] === '*') {
      at++
      if (pattern[at + 1] === '/') {
        at++
        source += '(?:.*/)?'
      } else {
        source += '.*'
      }
    } else if (char === '*') {
      source += '[^/]*'
    } else if (char === '?') {
      source += '[^/]'
    } else if (char === '[') {
      const end = pattern.indexOf(']', at + 1)
      source += end < 0 ? '\\[' : pattern.slice(at, end + 1)
      if (end >= 0) at = end
    } else if (char === '\\') {
      source += escaped(pattern[++at] ?? '\\')
    } else {
      source += escaped(char)
    }
  }
  return new RegExp(`^${source}$`, 'u')
}

function escaped(char: string): string {
  return /[\\^$.|?*+()[\]{}/]/.test(char) ? `\\${char}` : char
}

/**
 * Reads a .dockerignore; the function tells whether a path of the context (no leading slash) is left out. The last
 * pattern that matches decides, and one that matches a directory matches all below it.
 */
export function ignoreRules(content: string): (path: string) => boolean {
  const rules = content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map(line => (line.startsWith('#') ? '' : line.trim()))
    .filter(line => line !== '' && line !== '!')
    .map(line => {
      const negated = line.startsWith('!')
      const pattern = (negated ? line.slice(1).trim() : line).replace(/^(\.?\/)+/, '').replace(/\/+$/, '')
      return { negated, expression: patternExpression(pattern) }
    })
  return path => {
    const parts = path.split('/')
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    const last = rules.findLast(({ expression }) => prefixes.some(prefix => expression.test(prefix)))
    return last !== undefined && !last.negated
  }
}
