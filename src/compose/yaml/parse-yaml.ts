import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, type Scalar } from 'yaml'
import { ComposeError, type Position, type Problem } from '../problem.ts'
import { type DocumentPositions, positionKey } from '../source-index.ts'
import { asText, fromEntries, type Path, showPath, type Tree } from '../tree.ts'
import { resolvePlainScalar } from './resolve-scalar.ts'

/** One YAML document as plain data, with what the data cannot say. */
export interface YamlDocument extends DocumentPositions {
  /** Undefined if the document is empty. */
  readonly value: unknown
  /** Paths tagged `!reset`: to be removed from what was loaded before. */
  readonly resets: readonly Path[]
  /** Paths tagged `!override`: to replace, not to merge with, what was loaded before. */
  readonly overrides: readonly Path[]
}

/** More visits than any file written by people needs; an alias bomb stops here. */
const VISITS_MAX = 100_000
/** Deeper than any model is, and less than what exhausts the stack. */
const DEPTH_MAX = 200
const MERGE_KEY = '<<'

/** Parses a file. Throws ComposeError for anything that is not clean YAML with text keys. */
export function parseYaml(text: string, file: string): readonly YamlDocument[] {
  const lineCounter = new LineCounter()
  // All scalars come as text (failsafe), because their types are Go's, not YAML 1.2's: see resolvePlainScalar.
  const documents = withinStack(file, () =>
    parseAllDocuments(text.replace(/^\uFEFF/, ''), {
      lineCounter,
      schema: 'failsafe',
      uniqueKeys: false,
      logLevel: 'silent',
    }),
  )
  if (!Array.isArray(documents)) return []
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  return documents.map(document => {
    // What follows the first mistake of syntax is mostly its consequence.
    const [error] = document.errors
    if (error !== undefined) {
      const { line, col } = lineCounter.linePos(error.pos[0])
      const message = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'not YAML'
      const at: Position = { file, line, column: col, source: lines[line - 1] ?? '' }
      throw new ComposeError([{ message: `Cannot read YAML: ${message}${syntaxHint(lines[line - 1] ?? '')}`, at }])
    }
    return new DocumentReader(file, lines, lineCounter).read(document.contents)
  })
}

/** The parser of YAML knows no limit of depth but the stack's. */
function withinStack<T>(file: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const message = 'Cannot read YAML: lists and mappings are nested too deeply'
    throw new ComposeError([{ message, at: { file, line: 1, column: 1 } }], error)
  }
}

/** The two mistakes that nearly everybody makes. */
function syntaxHint(line: string): string {
  if (/^ *\t/.test(line)) return ' (indent with spaces, not with tabs)'
  if (/[[{].*[:,]\s*\$\{/.test(line)) return ' (inside {} and [] a text with ${} in it must be quoted)'
  return /:\s+[^"'#\s].*:\s/.test(line) ? ' (a text with ": " in it must be quoted)' : ''
}

class DocumentReader {
  readonly #file: string
  readonly #lines: readonly string[]
  readonly #counter: LineCounter
  readonly #problems: Problem[] = []
  readonly #anchors = new Map<string, Node>()
  readonly #open = new Set<Node>()
  readonly #positions = new Map<string, { line: number; column: number }>()
  readonly #resets: Path[] = []
  readonly #overrides: Path[] = []
  #visits = 0

  constructor(file: string, lines: readonly string[], counter: LineCounter) {
    this.#file = file
    this.#lines = lines
    this.#counter = counter
  }

  read(contents: Node | null): YamlDocument {
    const value = contents === null ? undefined : this.#value(contents, [])
    if (this.#problems.length > 0) throw new ComposeError(this.#problems)
    return {
      file: this.#file,
      value: value ?? undefined,
      positions: this.#positions,
      lines: this.#lines,
      resets: this.#resets,
      overrides: this.#overrides,
    }
  }

  #position(node: Node | null | undefined): Position {
    const { line, col } = this.#counter.linePos(node?.range?.[0] ?? 0)
    return { file: this.#file, line, column: col, source: this.#lines[line - 1] ?? '' }
  }

  #fail(node: Node | null | undefined, message: string): never {
    throw new ComposeError([...this.#problems, { message, at: this.#position(node) }])
  }

  /** Reports a mistake behind which reading can go on. */
  #complain(node: Node | null | undefined, message: string): void {
    this.#problems.push({ message, at: this.#position(node) })
  }

  #mark(path: Path, node: Node | null | undefined): void {
    const key = positionKey(path)
    if (this.#positions.has(key)) return
    const { line, column } = this.#position(node)
    this.#positions.set(key, { line, column })
  }

  /** The value of a node; undefined if it is tagged `!reset`. */
  #value(node: Node | null, path: Path): unknown {
    if (node === null) return null
    if (++this.#visits > VISITS_MAX) {
      this.#fail(node, `Cannot read YAML: more than ${VISITS_MAX} values, aliases expanded`)
    }
    if (path.length > DEPTH_MAX) this.#fail(node, `Cannot read YAML: nested more than ${DEPTH_MAX} levels deep`)
    if (isAlias(node)) return this.#target(node, path)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (node.tag === '!override') this.#overrides.push(path)
    if (node.tag === '!reset') {
      this.#resets.push(path)
      // Still read: duplicate keys and anchors inside it count.
      this.#container(node, path)
      return undefined
    }
    return this.#container(node, path)
  }

  #target(alias: Node & { source: string }, path: Path): unknown {
    const target = this.#anchors.get(alias.source)
    if (target === undefined) this.#fail(alias, `Cannot read YAML: unknown anchor "${alias.source}"`)
    if (this.#open.has(target)) this.#fail(alias, `Cannot read YAML: anchor "${alias.source}" contains itself`)
    return this.#value(target, path)
  }

  #container(node: Node, path: Path): unknown {
    if (isScalar(node)) return scalarValue(node)
    this.#open.add(node)
    try {
      if (isSeq<Node>(node)) return this.#list(node.items, path)
      if (isMap<Node, Node | null>(node)) return fromEntries(this.#mapping(node.items, path))
      return null
    } finally {
      this.#open.delete(node)
    }
  }

  #list(items: readonly (Node | null)[], path: Path): readonly unknown[] {
    return items.flatMap((item, index) => {
      const itemPath = [...path, String(index)]
      this.#mark(itemPath, item)
      const value = this.#value(item, itemPath)
      return value === undefined ? [] : [value]
    })
  }

  #mapping(items: readonly { readonly key: Node; readonly value: Node | null }[], path: Path): Map<string, unknown> {
    const own = new Map<string, unknown>()
    const merged: Node[] = []
    const lines = new Map<string, number>()
    for (const { key, value } of items) {
      const name = this.#keyName(key, path)
      if (name === undefined) continue
      const { line } = this.#position(key)
      const before = lines.get(name)
      if (before !== undefined) {
        this.#complain(key, `line ${line}: mapping key "${name}" already defined at line ${before}`)
        continue
      }
      lines.set(name, line)
      if (name === MERGE_KEY && isPlain(key)) {
        if (value !== null) merged.push(value)
        continue
      }
      const childPath = [...path, name]
      this.#mark(childPath, key)
      own.set(name, this.#value(value, childPath))
    }
    for (const source of merged) this.#merge(source, path, own)
    return own
  }

  /** Undefined for a key that is no text. */
  #keyName(key: Node, path: Path): string | undefined {
    const target = isAlias(key) ? this.#anchors.get(key.source) : key
    if (target !== undefined && target.anchor !== undefined) this.#anchors.set(target.anchor, target)
    const value = isScalar(target) ? scalarValue(target) : undefined
    if (typeof value === 'string') return value
    const where = path.length === 0 ? 'at top level' : `in ${showPath(path)}`
    this.#complain(key, `non-string key ${where}: ${value === undefined ? 'a collection' : asText(value)}`)
    return undefined
  }

  /** Adds the keys of a `<<` source that are not there yet: explicit keys win, earlier sources win. */
  #merge(source: Node, path: Path, into: Map<string, unknown>): void {
    const node = isAlias(source) ? (this.#anchors.get(source.source) ?? source) : source
    if (isSeq<Node>(node)) {
      for (const item of node.items) this.#merge(item, path, into)
      return
    }
    if (isAlias(node)) this.#fail(source, `Cannot read YAML: unknown anchor "${node.source}"`)
    if (!isMap(node)) this.#fail(source, 'Cannot merge with "<<": expected a mapping or a list of mappings')
    const value = this.#value(source, path)
    if (typeof value !== 'object' || value === null) return
    for (const [key, field] of Object.entries(value as Tree)) {
      if (!into.has(key)) into.set(key, field)
    }
  }
}

function isPlain(key: Node): boolean {
  return isScalar(key) && key.type === 'PLAIN'
}

function scalarValue(node: Scalar): unknown {
  const text = typeof node.value === 'string' ? node.value : ''
  if (node.tag === 'tag:yaml.org,2002:str') return text
  const plain = node.type === 'PLAIN' || node.type === undefined
  return plain || /^tag:yaml\.org,2002:(int|float|bool|null)$/.test(node.tag ?? '') ? resolvePlainScalar(text) : text
}
