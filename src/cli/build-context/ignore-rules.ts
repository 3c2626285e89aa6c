/** Whether a path (relative, with slashes) is left out of the context. */
export type IsIgnored = (path: string) => boolean

interface Rule {
  readonly pattern: RegExp
  readonly keep: boolean
}

/**
 * Reads a `.dockerignore`: one pattern a line, `*` and `?` inside a name, `**` over directories, `!` takes back; the last line
 * that matches a path, or a directory it is in, decides. Source: Docker's reference of the file.
 */
export function parseIgnoreRules(text: string): IsIgnored {
  const rules = text.split(/\r?\n/).flatMap(readLine)
  return path => {
    const prefixes = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'))
    return rules.reduce(
      (ignored, { pattern, keep }) => (prefixes.some(prefix => pattern.test(prefix)) ? !keep : ignored),
      false,
    )
  }
}

/** Whether a `!` line may take back something below a directory, so that the directory must be walked all the same. */
export function hasExceptions(text: string): boolean {
  return /^\s*!/m.test(text)
}

function readLine(line: string): Rule[] {
  const trimmed = line.trim()
  if (trimmed === '' || trimmed.startsWith('#')) return []
  const keep = trimmed.startsWith('!')
  const plain = (keep ? trimmed.slice(1).trim() : trimmed).replace(/^\.?\/+/, '').replace(/\/+$/, '')
  return plain === '' || plain === '.' ? [] : [{ pattern: toRegExp(plain), keep }]
}

function toRegExp(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|\[[^\]]*\]|\\.|[.+^${}()|]/g, part => {
    switch (part) {
      case '**/':
        return '(?:.*/)?'
      case '**':
        return '.*'
      case '*':
        return '[^/]*'
      case '?':
        return '[^/]'
      default:
        return part.startsWith('[') || part.startsWith('\\') ? part : `\\${part}`
    }
  })
  return new RegExp(`^${source}$`)
}
