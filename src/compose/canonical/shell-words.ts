/** 'single', "double", \escaped, plain, blank, or a quote that is never closed. */
const PIECE = /'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S]?)|([^\s'"\\]+)|(\s+)|(['"])/g

/**
 * Splits a command as a POSIX shell does, with quotes and backslashes and nothing else: operators, variables and globs stay
 * text, because no shell will run. Throws RangeError for a quote that is not closed.
 */
export function shellWords(text: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (const [, single, double, escaped, plain, blank, stray] of text.matchAll(PIECE)) {
    if (stray !== undefined) throw new RangeError(`invalid command line string: ${stray} is not closed`)
    if (blank === undefined) {
      word = `${word ?? ''}${single ?? unescapeDouble(double) ?? escaped ?? plain ?? ''}`
    } else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  return word === undefined ? words : [...words, word]
}

/** Inside double quotes a backslash only escapes what would otherwise mean something. */
function unescapeDouble(text: string | undefined): string | undefined {
  return text?.replace(/\\([\\"$`\n])/g, '$1')
}
