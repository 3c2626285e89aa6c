import { lineError } from './errors.ts'

export interface Heredoc {
  readonly name: string
  readonly content: string
  /** Written with a quoted name: nothing is substituted in it. */
  readonly literal: boolean
}

/** A word such as `<<EOF`, `<<-EOF` or `<<"EOF"`. */
const WORD = /(?<![<\S])\d*<<(-?)(['"]?)([A-Za-z_]\w*)\2(?=\s|$)/g

/**
 * Reads the here-documents that an instruction announces, from the lines behind it. JSON forms announce none.
 * Throws DOCKERFILE for one that never ends.
 */
export function readHeredocs(
  raw: readonly string[],
  from: number,
  { line, text }: { readonly line: number; readonly text: string },
): { readonly heredocs: readonly Heredoc[]; readonly next: number } {
  const heredocs: Heredoc[] = []
  let at = from
  if (!/^(RUN|COPY|ADD)\s+(?!\[)/i.test(text)) return { heredocs, next: at }
  for (const [, dash, quote = '', name = ''] of text.matchAll(WORD)) {
    const plain = (content: string): string => (dash === '-' ? content.replace(/^\t+/, '') : content)
    const end = raw.findIndex((content, index) => index >= at && plain(content) === name)
    if (end < 0) throw lineError(line, `unterminated heredoc: no line says ${name}`)
    const body = raw.slice(at, end).map(plain)
    heredocs.push({ name, content: body.map(content => `${content}\n`).join(''), literal: quote !== '' })
    at = end + 1
  }
  return { heredocs, next: at }
}

/** The name in a word that announces a here-document; undefined for any other word. */
export function heredocName(word: string): string | undefined {
  return /^\d*<<-?(['"]?)([A-Za-z_]\w*)\1$/.exec(word)?.[2]
}
