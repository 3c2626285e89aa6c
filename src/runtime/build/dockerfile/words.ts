import { fileError } from './errors.ts'

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

/** Splits at white space, whatever stands in it: what Docker does where quotes have no meaning. */
export function splitPlain(text: string): readonly string[] {
  return text.split(/[ \t\v\f\r\n]+/).filter(word => word !== '')
}

/** Reads the JSON form of an instruction (`["a", "b"]`); undefined if it is not that. Throws for arrays of anything else. */
export function jsonForm(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // A shell's test command begins like this too.
    return undefined
  }
  if (!Array.isArray(value)) return undefined
  if (value.every(item => typeof item === 'string')) return value
  throw fileError('When using JSON array syntax, arrays must be comprised of strings only.')
}
