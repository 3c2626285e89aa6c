import { fileError, lineError } from './errors.ts'
import { type Heredoc, readHeredocs } from './heredocs.ts'

/** One instruction's text, continuations joined. */
export interface LogicalLine {
  /** Where it begins, from 1. */
  readonly line: number
  readonly text: string
  readonly heredocs: readonly Heredoc[]
}

export type Escape = '\\' | '`'

export interface DockerfileLines {
  readonly lines: readonly LogicalLine[]
  /** What continues lines and escapes characters: a backslash, or a backtick by the `escape` directive. */
  readonly escape: Escape
  /** What is allowed still, but may not be for long. */
  readonly warnings: readonly string[]
}

/** As Docker's scanner: a longer line is a mistake, or meant to fill the memory. */
const LINE_CHARS_MAX = 65_535

/**
 * Splits a Dockerfile into instructions: parser directives, comments, continued lines (with comments and empty lines
 * inside them dropped) and here-documents. Source: Dockerfile reference.
 */
export function readLines(text: string): DockerfileLines {
  const raw = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const tooLong = raw.findIndex(line => line.length > LINE_CHARS_MAX)
  if (tooLong >= 0) {
    throw lineError(tooLong + 1, `dockerfile line greater than maximum allowed size of ${LINE_CHARS_MAX}`)
  }
  const escape = escapeDirective(raw)
  const lines: LogicalLine[] = []
  const warnings: string[] = []
  for (let at = 0; at < raw.length; ) {
    const line = at + 1
    const joined = joinContinued(raw, at, escape)
    at = joined.next
    const whole = joined.text.trim()
    if (whole === '') continue
    if (joined.hasEmptyLine) warnings.push(`[WARNING]: Empty continuation line found in:\n    ${whole}`)
    const read = readHeredocs(raw, at, { line, text: whole })
    at = read.next
    lines.push({ line, text: whole, heredocs: read.heredocs })
  }
  if (warnings.length > 0) {
    warnings.push('[WARNING]: Empty continuation lines will become errors in a future release.')
  }
  return { lines, escape, warnings }
}

/** Directives stand before anything else, one a line; `syntax` and `check` change nothing here. */
function escapeDirective(raw: readonly string[]): Escape {
  const seen = new Map<string, string>()
  for (const line of raw) {
    const [, key = '', value = ''] = /^#[ \t]*(escape|syntax|check)[ \t]*=[ \t]*(.+?)[ \t]*$/i.exec(line) ?? []
    if (key === '') break
    const name = key.toLowerCase()
    if (seen.has(name)) throw fileError(`only one ${name} parser directive can be used`)
    seen.set(name, value)
  }
  const escape = seen.get('escape')?.charAt(0) ?? '\\'
  if (escape === '\\' || escape === '`') return escape
  throw fileError(`invalid escape token '${escape}' does not match \` or \\`)
}

interface Joined {
  readonly text: string
  readonly next: number
  readonly hasEmptyLine: boolean
}

function joinContinued(raw: readonly string[], from: number, escape: Escape): Joined {
  let text = ''
  let hasEmptyLine = false
  let at = from
  while (at < raw.length) {
    const line = raw[at++] ?? ''
    const isInside = text !== ''
    if (/^\s*#/.test(line)) {
      if (isInside) continue
      break
    }
    if (isInside && line.trim() === '') {
      // What only ends the file is no line.
      hasEmptyLine ||= at < raw.length
      continue
    }
    const trimmed = line.trimEnd()
    if (!trimmed.endsWith(escape)) {
      text += line
      break
    }
    text += trimmed.slice(0, -1)
  }
  return { text, next: at, hasEmptyLine }
}
