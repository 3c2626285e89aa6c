import { badTemplate } from './template-error.ts'

/** A word of an action, and where in the template it begins. `joined`: no blank stands before it. */
export type Token = { readonly text: string; readonly joined: boolean; readonly at: number } & (
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  /** `.Name.Inner`, `.`, `$`, `$x.Name`. */
  | { readonly kind: 'path' }
  | { readonly kind: 'name' }
  | { readonly kind: 'mark' }
)

const TOKEN =
  /\s+|("(?:[^"\\]|\\.)*")|(`[^`]*`)|(-?\d+(?:\.\d+)?)|(\$\w*(?:\.\w+)*|\.\w+(?:\.\w+)*|\.)|(\w+)|(:=|[|(),=])/gy

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\', "'": "'" }

/** Cuts what stands between `{{` and `}}`, from `start` of the template on, into words. Throws BAD_TEMPLATE. */
export function tokenize(inner: string, start: number): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  let joined = false
  for (const match of inner.matchAll(TOKEN)) {
    at = match.index + match[0].length
    const [whole, quoted, raw, digits, path, name, mark] = match
    const common = { text: whole, joined, at: start + match.index }
    joined = true
    if (quoted !== undefined) tokens.push({ ...common, kind: 'text', value: unquote(quoted) })
    else if (raw !== undefined) tokens.push({ ...common, kind: 'text', value: raw.slice(1, -1) })
    else if (digits !== undefined) tokens.push({ ...common, kind: 'number', value: Number(digits) })
    else if (path !== undefined) tokens.push({ ...common, kind: 'path' })
    else if (name !== undefined) tokens.push({ ...common, kind: 'name' })
    else if (mark !== undefined) tokens.push({ ...common, kind: 'mark' })
    else joined = false
  }
  if (at < inner.length) {
    throw badTemplate(`unexpected "${inner.slice(at, at + 1)}" in command`)
  }
  return tokens
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/gs, (_all, letter: string) => ESCAPES[letter] ?? letter)
}
