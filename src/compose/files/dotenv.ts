import { type Lookup, substitute, TemplateError } from '../interpolate/template.ts'
import { ComposeError } from '../problem.ts'

export interface DotenvOptions {
  /** For messages. */
  readonly file: string
  /** Wins over the file's own keys when values refer to variables; also gives bare keys their value. */
  readonly lookup: Lookup
  readonly warn: (message: string) => void
}

const KEY = /^[A-Za-z0-9_.\-[\]]+/
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  c: '',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/**
 * Reads a `.env` file: `KEY=value`, `KEY: value`, `export KEY=value`, comments; `"…"` with escapes and variables, `'…'` literal,
 * both over several lines. A later key replaces an earlier one. Throws ComposeError with the line.
 */
export function parseDotenv(text: string, options: DotenvOptions): ReadonlyMap<string, string> {
  const reader = new DotenvReader(text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n'), options)
  return reader.read()
}

class DotenvReader {
  readonly #text: string
  readonly #options: DotenvOptions
  readonly #values = new Map<string, string>()
  #index = 0

  constructor(text: string, options: DotenvOptions) {
    this.#text = text
    this.#options = options
  }

  read(): ReadonlyMap<string, string> {
    for (this.#skip(/(?:\s|#[^\n]*)*/y); this.#index < this.#text.length; this.#skip(/(?:\s|#[^\n]*)*/y)) {
      this.#statement()
    }
    return this.#values
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#index
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#index += found.length
    return found
  }

  #fail(message: string): never {
    const before = this.#text.slice(0, this.#index).split('\n')
    const line = before.length
    const at = { file: this.#options.file, line, column: (before.at(-1)?.length ?? 0) + 1 }
    throw new ComposeError([{ message: `line ${line}: ${message}`, at }])
  }

  #statement(): void {
    this.#skip(/export[ \t]+/y)
    const rest = this.#text.slice(this.#index)
    const key = KEY.exec(rest)?.[0] ?? ''
    const after = rest.slice(key.length)
    const separator = /^[ \t]*([=:])[ \t]*/.exec(after)
    if (key === '' || (separator === null && !/^[ \t]*(?:#[^\n]*)?(?:\n|$)/.test(after))) {
      const odd = /^\s*(.)/.exec(after)?.[1] ?? ''
      this.#fail(`unexpected character "${odd}" in variable name "${rest.split('\n')[0] ?? ''}"`)
    }
    this.#index += key.length + (separator?.[0].length ?? 0)
    const value = separator === null ? this.#options.lookup(key) : this.#value()
    if (separator === null) this.#skip(/[^\n]*/y)
    if (value !== undefined) this.#values.set(key, value)
  }

  #value(): string {
    const quote = this.#text[this.#index]
    if (quote === '"' || quote === "'") return this.#quoted(quote)
    const line = this.#skip(/[^\n]*/y)
    const comment = line.indexOf(' #')
    return this.#expand((comment < 0 ? line : line.slice(0, comment)).trimEnd())
  }

  #quoted(quote: string): string {
    let end = this.#index + 1
    while (end < this.#text.length && this.#text[end] !== quote) end += this.#text[end] === '\\' ? 2 : 1
    if (end >= this.#text.length) {
      this.#fail(`unterminated quoted value ${this.#text.slice(this.#index).split('\n')[0] ?? ''}`)
    }
    const inner = this.#text.slice(this.#index + 1, end)
    this.#index = end + 1
    return quote === "'" ? inner.replaceAll("\\'", "'") : this.#expand(unescape(inner))
  }

  #expand(value: string): string {
    const { lookup, warn } = this.#options
    try {
      return substitute(
        value,
        name => lookup(name) ?? this.#values.get(name),
        name => warn(`The "${name}" variable is not set. Defaulting to a blank string.`),
      )
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      return this.#fail(error.kind === 'required' ? error.message : `invalid interpolation format: "${value}"`)
    }
  }
}

/** Resolves the escapes of double quotes; `\$` becomes `$$`, which substitution turns into a dollar. */
function unescape(text: string): string {
  return text.replace(/\\(0[0-7]{1,3}|[\s\S])/g, (whole: string, code: string) => {
    if (code === '$') return '$$'
    if (/^0[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8))
    return ESCAPES[code] ?? (code === '"' || code === '\\' ? code : whole)
  })
}

/** Reads an env_file of `format: raw`, as `docker run --env-file`: values verbatim, bare keys from the environment. */
export function parseRawEnv(text: string, lookup: Lookup): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const trimmed = line.trimStart()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const [key = '', ...rest] = trimmed.split('=')
    const value = rest.length === 0 ? lookup(key) : rest.join('=')
    if (value !== undefined) values.set(key, value)
  }
  return values
}
