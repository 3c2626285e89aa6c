import { invalidInput } from '../../core/errors.ts'

/**
 * Words as one line that every Bourne-like login shell takes apart into the same words. SSH sends a line, not words; this is
 * the only place where one is made.
 */
export function shellLine(words: readonly string[]): string {
  return words.map(quoteWord).join(' ')
}

function quoteWord(word: string): string {
  if (word.includes('\0'))
    throw invalidInput('BAD_ARGUMENT', 'An argument has a zero byte in it: no program can be given that')
  return /^[a-zA-Z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
