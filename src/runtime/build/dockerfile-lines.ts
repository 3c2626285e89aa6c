/** One instruction's text, continuations joined. */
export interface LogicalLine {
  /** Where it begins, from 1. */
  readonly line: number
  readonly text: string
  readonly heredocs: readonly Heredoc[]
}

export interface Heredoc {
  readonly name: string
  readonly content: string
  /** Written with a quoted name: nothing is substituted in it. */
  readonly literal: boolean
}

export interface DockerfileLines {
  readonly lines: readonly LogicalLine[]
  /** What continues lines and escapes characters: a backslash, or a backtick by the `escape` directive. */
  readonly escape: '\\' | '`'
}

/**
 * Splits a Dockerfile into instructions: parser directives, comments, continued lines (with comments and empty lines
 * inside them dropped) and here-documents. Source: Dockerfile reference.
 */
export function readLines(text: string): DockerfileLines {
  const raw = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const escape = escapeDirective(raw)
  const lines: LogicalLine[] = []
  for (let at = 0; at < raw.length; ) {
    const line = at + 1
    const joined = joinContinued(raw, at, escape)
    at = joined.next
    if (joined.text.trim() === '') continue
    const read = readHeredocs(raw, at, joined.text)
    at = read.next
    lines.push({ line, text: joined.text.trim(), heredocs: read.heredocs })
  }
  return { lines, escape }
}

/** Directives stand before anything else, one a line. */
function escapeDirective(raw: readonly string[]): '\\' | '`' {
  for (const line of raw) {
    const [, key = '', value = ''] = /^#\s*(\w+)\s*=\s*(.+?)\s*$/.exec(line) ?? []
    if (key === '') break
    if (key.toLowerCase() === 'escape') return value === '`' ? '`' : '\\'
  }
  return '\\'
}

function joinContinued(raw: readonly string[], from: number, escape: string): { text: string; next: number } {
  let text = ''
  let at = from
  while (at < raw.length) {
    const line = raw[at++] ?? ''
    if (/^\s*#/.test(line)) {
      if (text === '') break
      continue
    }
    const trimmed = line.trimEnd()
    if (trimmed.endsWith(escape)) {
      text += trimmed.slice(0, -1)
      continue
    }
    if (trimmed === '' && text !== '') continue
    text += line
    break
  }
  return { text, next: at }
}

function readHeredocs(
  raw: readonly string[],
  from: number,
  text: string,
): { readonly heredocs: readonly Heredoc[]; readonly next: number } {
  const heredocs: Heredoc[] = []
  let at = from
  if (!/^\s*(RUN|COPY|ADD)\s/i.test(text)) return { heredocs, next: at }
  for (const [, dash, quote = '', name = ''] of text.matchAll(/(?<!<)<<(-?)(['"]?)([A-Za-z_]\w*)\2/g)) {
    const end = raw.findIndex((line, index) => index >= at && (dash ? line.replace(/^\t+/, '') : line) === name)
    if (end < 0) continue
    const body = raw.slice(at, end).map(line => (dash ? line.replace(/^\t+/, '') : line))
    heredocs.push({ name, content: body.map(line => `${line}\n`).join(''), literal: quote !== '' })
    at = end + 1
  }
  return { heredocs, next: at }
}
