import { invalidInput } from '../../../core/errors.ts'
import { globEnds } from '../../../core/glob.ts'
import { shellPattern } from './shell-pattern.ts'

/** Longer values are not searched for patterns: it would keep the engine's one thread busy. */
const SEARCHED_CHARS_MAX = 4_096

export interface WordRules {
  readonly escape: string
  readonly lookup: (name: string) => string | undefined
}

interface Mode extends WordRules {
  /** Quotes and escapes mean nothing and stay: the content of a here-document. */
  readonly raw: boolean
}

/**
 * Substitutes variables in a word and takes off its quotes, as Docker's own small shell does: `$a`, `${a}`, `${a:-b}`,
 * `${a:+b}`, `${a:?why}` (each also without the colon), `${a#p}`, `${a##p}`, `${a%p}`, `${a%%p}`, `${a/p/r}`, `${a//p/r}`;
 * nothing inside single quotes. Throws BAD_SUBSTITUTION.
 */
export function expandWord(word: string, rules: WordRules): string {
  return run(word, { ...rules, raw: false })
}

/** As {@link expandWord}, split at white space: a variable may bring several words, or none. */
export function expandWords(word: string, rules: WordRules): readonly string[] {
  return expandWord(word, rules)
    .split(/\s+/)
    .filter(part => part !== '')
}

/** Substitutes in text whose quotes mean nothing: the content of a here-document. */
export function expandText(text: string, rules: WordRules): string {
  return run(text, { ...rules, raw: true })
}

function run(word: string, mode: Mode): string {
  const reader = new Reader(word, mode)
  try {
    return reader.until('')
  } catch (error) {
    if (!(error instanceof Substitution)) throw error
    throw invalidInput('BAD_SUBSTITUTION', `failed to process ${JSON.stringify(word)}: ${error.message}`)
  }
}

class Substitution extends Error {}

class Reader {
  readonly #text: string
  readonly #mode: Mode
  #at = 0

  constructor(text: string, mode: Mode) {
    this.#text = text
    this.#mode = mode
  }

  /** Reads up to a character, which is taken too; an empty one means the end of the text. */
  until(stop: string): string {
    let result = ''
    while (this.#at < this.#text.length) {
      const char = this.#peek()
      if (char === stop) {
        this.#at++
        return result
      }
      result += this.#piece(char)
    }
    if (stop !== '') throw new Substitution(`syntax error: missing '${stop}'`)
    return result
  }

  #piece(char: string): string {
    if (char === '$') return this.#dollar()
    const { raw, escape } = this.#mode
    if (!raw && char === "'") return this.#singleQuoted()
    if (!raw && char === '"') return this.#doubleQuoted()
    this.#at++
    if (char !== escape || this.#at >= this.#text.length) return char
    const next = this.#take()
    return raw && next !== '$' ? char + next : next
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end < 0) throw new Substitution('unexpected end of statement while looking for matching single-quote')
    const inside = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return inside
  }

  #doubleQuoted(): string {
    let result = ''
    this.#at++
    for (;;) {
      if (this.#at >= this.#text.length) {
        throw new Substitution('unexpected end of statement while looking for matching double-quote')
      }
      const char = this.#peek()
      if (char === '$') {
        result += this.#dollar()
        continue
      }
      this.#at++
      if (char === '"') return result
      // Only what would mean something inside quotes is escaped there.
      if (char === this.#mode.escape && ['"', '$', this.#mode.escape].includes(this.#peek())) result += this.#take()
      else result += char
    }
  }

  #dollar(): string {
    this.#at++
    if (this.#peek() !== '{') {
      const name = this.#name()
      return name === '' ? '$' : (this.#mode.lookup(name) ?? '')
    }
    this.#at++
    if (['}', ':'].includes(this.#peek())) throw new Substitution('syntax error: bad substitution')
    const name = this.#name()
    const value = this.#mode.lookup(name)
    return this.#modified(name, value, this.#take())
  }

  #modified(name: string, value: string | undefined, operator: string): string {
    switch (operator) {
      case '}':
        return value ?? ''
      case ':':
        return this.#default(name, value === '' ? undefined : value, this.#take())
      case '-':
      case '+':
      case '?':
        return this.#default(name, value, operator)
      case '#':
      case '%':
        return this.#trimmed(value ?? '', operator)
      case '/':
        return this.#replaced(value ?? '')
      case '':
        throw new Substitution("syntax error: missing '}'")
      default:
        throw new Substitution(`unsupported modifier (${operator}) in substitution`)
    }
  }

  #default(name: string, value: string | undefined, operator: string): string {
    const word = this.until('}')
    if (operator === '-') return value ?? word
    if (operator === '+') return value === undefined ? '' : word
    if (operator !== '?') throw new Substitution(`unsupported modifier (:${operator}) in substitution`)
    if (value !== undefined) return value
    throw new Substitution(`${name}: ${word === '' ? 'is not allowed to be unset' : word}`)
  }

  #trimmed(value: string, operator: '#' | '%'): string {
    const isLongest = this.#peek() === operator
    if (isLongest) this.#at++
    const pattern = shellPattern(this.until('}'))
    checkLength(value)
    if (operator === '#') {
      const ends = globEnds(pattern, value)
      return value.slice((isLongest ? ends.at(-1) : ends[0]) ?? 0)
    }
    const starts = [...Array(value.length + 1).keys()]
    const matches = (at: number): boolean => globEnds(pattern, value, at).at(-1) === value.length
    return value.slice(0, isLongest ? starts.find(matches) : starts.findLast(matches))
  }

  #replaced(value: string): string {
    const isAll = this.#peek() === '/'
    if (isAll) this.#at++
    const pattern = shellPattern(this.until('/'))
    const replacement = this.until('}')
    checkLength(value)
    let result = ''
    let isDone = false
    for (let at = 0; at < value.length; ) {
      const end = isDone ? undefined : globEnds(pattern, value, at).at(-1)
      if (end === undefined || end === at) {
        result += value[at++] ?? ''
        continue
      }
      result += replacement
      at = end
      isDone = !isAll
    }
    return result
  }

  #name(): string {
    const rest = this.#text.slice(this.#at)
    const name = /^(?:[A-Za-z_]\w*|\d+|[@*#?$!-])/.exec(rest)?.[0] ?? ''
    this.#at += name.length
    return name
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #take(): string {
    return this.#text[this.#at++] ?? ''
  }
}

function checkLength(value: string): void {
  if (value.length <= SEARCHED_CHARS_MAX) return
  throw new Substitution(`a value of ${value.length} characters is too long for a pattern`)
}
