type Lookup = (name: string) => string | undefined

export interface WordRules {
  readonly escape: string
  readonly lookup: Lookup
}

/** Splits at white space outside quotes; quotes and escapes stay in the words. */
export function splitWords(text: string, escape: string): readonly string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === escape && quote !== "'") {
      word += char + (text[++at] ?? '')
      continue
    }
    if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word)
      word = ''
      continue
    }
    if (char === quote) quote = ''
    else if (quote === '' && (char === '"' || char === "'")) quote = char
    word += char
  }
  if (word !== '') words.push(word)
  return words
}

/**
 * Substitutes variables in a word and takes off its quotes, as a shell would: `$a`, `${a}`, `${a:-default}`,
 * `${a:+other}`, `${a-default}`, `${a+other}`; nothing inside single quotes.
 */
export function expandWord(word: string, rules: WordRules): string {
  let result = ''
  let quoted = false
  for (let at = 0; at < word.length; ) {
    if (word[at] === '"') {
      quoted = !quoted
      at++
      continue
    }
    const piece = readPiece(word, at, { quoted, rules })
    result += piece.value
    at = piece.next
  }
  return result
}

interface Piece {
  readonly value: string
  readonly next: number
}

function readPiece(word: string, at: number, { quoted, rules }: { quoted: boolean; rules: WordRules }): Piece {
  const char = word[at] ?? ''
  if (char === "'" && !quoted) {
    const end = word.indexOf("'", at + 1)
    return { value: word.slice(at + 1, end < 0 ? word.length : end), next: end < 0 ? word.length : end + 1 }
  }
  if (char === '$') return readVariable(word, at, rules)
  if (char !== rules.escape || at + 1 === word.length) return { value: char, next: at + 1 }
  const next = word[at + 1] ?? ''
  // Inside double quotes only what would mean something there is escaped.
  const meant = !quoted || next === '"' || next === '$' || next === rules.escape
  return { value: meant ? next : char + next, next: at + 2 }
}

/** Substitutes in text whose quotes mean nothing: the content of a here-document. */
export function expandText(text: string, { lookup }: Pick<WordRules, 'lookup'>): string {
  return text.replace(/\\\$|\$\{(\w+)\}|\$(\w+)/g, (whole, braced?: string, bare?: string) =>
    whole === '\\$' ? '$' : (lookup(braced ?? bare ?? '') ?? ''),
  )
}

function readVariable(word: string, at: number, rules: WordRules): Piece {
  const bare = /^\$(\w+)/.exec(word.slice(at))
  if (bare !== null) return { value: rules.lookup(bare[1] ?? '') ?? '', next: at + bare[0].length }
  const open = /^\$\{(\w+)(:?[-+])?/.exec(word.slice(at))
  if (open === null) return { value: '$', next: at + 1 }
  const bodyAt = at + open[0].length
  const end = closingBrace(word, bodyAt)
  if (end < 0) return { value: word.slice(at), next: word.length }
  const value = rules.lookup(open[1] ?? '')
  const other = (): string => expandWord(word.slice(bodyAt, end), rules)
  const operator = open[2] ?? ''
  const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined
  if (operator.endsWith('-')) return { value: isSet ? (value ?? '') : other(), next: end + 1 }
  if (operator.endsWith('+')) return { value: isSet ? other() : '', next: end + 1 }
  return { value: value ?? '', next: end + 1 }
}

function closingBrace(word: string, from: number): number {
  let depth = 1
  for (let at = from; at < word.length; at++) {
    if (word[at] === '{') depth++
    if (word[at] === '}' && --depth === 0) return at
  }
  return -1
}

/** Reads the JSON form of an instruction (`["a", "b"]`); undefined if it is not that. */
export function jsonForm(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined
  } catch {
    return undefined
  }
}
