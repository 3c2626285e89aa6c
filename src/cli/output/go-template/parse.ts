import { FUNCTIONS } from './functions.ts'
import { badTemplate, type Place } from './template-error.ts'
import { type Token, tokenize } from './tokenize.ts'

/** A template as a tree. Source of the language: Go's package text/template, as far as docker's `--format` is used with it. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | { readonly kind: 'break' }
  | { readonly kind: 'continue' }
  /** What another template makes of a value; without one, of nothing. */
  | { readonly kind: 'call'; readonly name: string; readonly pipeline?: Pipeline; readonly place: Place }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly pipeline: Pipeline
      readonly body: readonly Node[]
      readonly otherwise: readonly Node[]
    }

export interface Pipeline {
  /** `$key, $value :=`. */
  readonly variables: readonly string[]
  readonly commands: readonly Command[]
}

/** A function or value, and its arguments. */
export type Command = readonly Operand[]

export type Operand =
  | {
      readonly kind: 'path'
      readonly root: '.' | `$${string}`
      readonly fields: readonly string[]
      readonly place: Place
    }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'function'; readonly name: string; readonly place: Place }
  | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly fields: readonly string[]; readonly place: Place }

const ACTION = /\{\{(- |)((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`])*?)( -|)\}\}/g

export interface ParsedTemplate {
  readonly nodes: readonly Node[]
  /** Those that it defines by name. */
  readonly named: ReadonlyMap<string, readonly Node[]>
}

/** Throws BAD_TEMPLATE for a template that cannot be read. */
export function parseTemplate(source: string): ParsedTemplate {
  const parser = new Parser(cut(source), source)
  const { nodes } = parser.list([])
  return { nodes, named: parser.named }
}

type Piece = { readonly text: string } | { readonly action: readonly Token[] }

/** Cuts a template into texts and actions; `{{-` and `-}}` take the blanks beside them away. */
function cut(source: string): readonly Piece[] {
  const pieces: Piece[] = []
  let at = 0
  let trim = false
  const addText = (until: number, trimEnd: boolean): void => {
    const raw = source.slice(at, until)
    const left = trim ? raw.trimStart() : raw
    const text = trimEnd ? left.trimEnd() : left
    if (text !== '') pieces.push({ text })
  }
  for (const match of source.matchAll(ACTION)) {
    const [whole, before = '', inner = '', after = ''] = match
    addText(match.index, before !== '')
    if (!/^\s*\/\*.*\*\/\s*$/s.test(inner)) pieces.push({ action: tokenize(inner, match.index + 2 + before.length) })
    at = match.index + whole.length
    trim = after !== ''
  }
  if (source.slice(at).includes('{{')) throw badTemplate('unclosed action')
  addText(source.length, false)
  return pieces
}

type Ending = 'end' | 'else'

class Parser {
  readonly named = new Map<string, readonly Node[]>()
  readonly #pieces: readonly Piece[]
  readonly #source: string
  #at = 0
  #tokens: readonly Token[] = []
  /** How many ranges are open. */
  #ranges = 0

  constructor(pieces: readonly Piece[], source: string) {
    this.#pieces = pieces
    this.#source = source
  }

  /** Nodes up to one of the words, which is taken; with no words, to the template's end. */
  list(until: readonly Ending[]): { readonly nodes: readonly Node[]; readonly ending?: Ending } {
    const nodes: Node[] = []
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++]
      if (piece === undefined) break
      if ('text' in piece) {
        nodes.push({ kind: 'text', text: piece.text })
        continue
      }
      this.#tokens = piece.action
      const word = this.#tokens[0]
      const ending = until.find(name => word?.kind === 'name' && word.text === name)
      if (ending !== undefined) {
        this.#tokens = this.#tokens.slice(1)
        return { nodes, ending }
      }
      if (word?.kind === 'name' && word.text === 'define' && until.length === 0) this.#define()
      else nodes.push(this.#action())
    }
    if (until.length > 0) throw badTemplate('unexpected EOF')
    return { nodes }
  }

  #action(): Node {
    const [first] = this.#tokens
    const kind = first?.kind === 'name' ? first.text : ''
    if (kind === 'if' || kind === 'with' || kind === 'range') {
      this.#tokens = this.#tokens.slice(1)
      return this.#block(kind)
    }
    if (kind === 'template') return this.#call(this.#tokens)
    if (kind === 'block') {
      const call = this.#call(this.#tokens)
      this.named.set(call.name, this.#named())
      return call
    }
    if (kind === 'break' || kind === 'continue') {
      if (this.#tokens.length > 1) throw badTemplate(`unexpected "${this.#tokens[1]?.text}" in {{${kind}}}`)
      if (this.#ranges === 0) throw badTemplate(`{{${kind}}} outside {{range}}`)
      return { kind }
    }
    if (kind === 'end' || kind === 'else') throw badTemplate(`unexpected {{${kind}}}`)
    return { kind: 'print', pipeline: this.#wholePipeline() }
  }

  /** `define "name"`, up to its end. */
  #define(): void {
    const [, name, ...rest] = this.#tokens
    if (name?.kind !== 'text' || rest.length > 0) {
      throw badTemplate(`unexpected "${(name?.kind === 'text' ? rest[0] : name)?.text ?? '}}'}" in define clause`)
    }
    this.named.set(name.value, this.#named())
  }

  /** The body of a template of its own: it cannot leave a range that it stands in. */
  #named(): readonly Node[] {
    const ranges = this.#ranges
    this.#ranges = 0
    const { nodes } = this.list(['end'])
    this.#ranges = ranges
    return nodes
  }

  /** `template "name"` or `block "name"`, and the value that it gets. */
  #call([word, name, ...rest]: readonly Token[]): Extract<Node, { kind: 'call' }> {
    if (name?.kind !== 'text') throw badTemplate(`unexpected "${name?.text ?? '}}'}" in ${word?.text} clause`)
    this.#tokens = rest
    const place = { at: name.at, text: `{{template ${name.text}}}` }
    return { kind: 'call', name: name.value, place, ...(rest.length > 0 ? { pipeline: this.#wholePipeline() } : {}) }
  }

  #block(kind: 'if' | 'with' | 'range'): Node {
    const pipeline = this.#wholePipeline()
    const ranges = kind === 'range' ? 1 : 0
    this.#ranges += ranges
    const { nodes: body, ending } = this.list(['else', 'end'])
    this.#ranges -= ranges
    if (ending === 'end') return { kind, pipeline, body, otherwise: [] }
    const [next] = this.#tokens
    if (next?.kind === 'name' && (next.text === 'if' || next.text === 'with'))
      return { kind, pipeline, body, otherwise: [this.#action()] }
    return { kind, pipeline, body, otherwise: this.list(['end']).nodes }
  }

  #wholePipeline(): Pipeline {
    const pipeline = this.#pipeline()
    if (this.#tokens.length > 0) throw badTemplate(`unexpected "${this.#tokens[0]?.text}"`)
    return pipeline
  }

  #pipeline(): Pipeline {
    const assign = this.#tokens.findIndex(token => token.text === ':=' || token.text === '=')
    const names = assign < 0 ? [] : this.#tokens.slice(0, assign).filter(token => token.text !== ',')
    this.#tokens = this.#tokens.slice(assign + 1)
    const commands: Command[] = []
    do commands.push(this.#command())
    while (this.#take('|'))
    return { variables: names.map(token => token.text), commands }
  }

  #command(): Command {
    const operands: Operand[] = []
    while (this.#tokens.length > 0 && this.#tokens[0]?.text !== '|' && this.#tokens[0]?.text !== ')') {
      operands.push(this.#operand())
    }
    if (operands.length === 0) throw badTemplate('missing value for command')
    return operands
  }

  #take(text: string): boolean {
    const [first] = this.#tokens
    if (first?.kind !== 'mark' || first.text !== text) return false
    this.#tokens = this.#tokens.slice(1)
    return true
  }

  #operand(): Operand {
    if (this.#take('(')) {
      const pipeline = this.#pipeline()
      if (!this.#take(')')) throw badTemplate('unclosed left paren')
      const [next] = this.#tokens
      const isField = next?.kind === 'path' && next.text.startsWith('.') && next.text !== '.' && next.joined
      if (isField) this.#tokens = this.#tokens.slice(1)
      const place = { at: next?.at ?? 0, text: next?.text ?? '' }
      return { kind: 'group', pipeline, fields: isField ? fieldsOf(next.text) : [], place }
    }
    const [token] = this.#tokens
    this.#tokens = this.#tokens.slice(1)
    if (token === undefined) throw badTemplate('unexpected end')
    if (token.kind === 'mark') throw badTemplate(`unexpected "${token.text}"`)
    return operandOf(token, this.#source)
  }
}

function operandOf(token: Exclude<Token, { kind: 'mark' }>, source: string): Operand {
  switch (token.kind) {
    case 'text':
    case 'number':
      return { kind: 'literal', value: token.value }
    case 'path': {
      const [root = '', ...fields] = token.text.split('.')
      const names = fields.filter(name => name !== '')
      return { kind: 'path', root: root === '' ? '.' : (root as `$${string}`), fields: names, place: placeOf(token) }
    }
    case 'name':
      if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true' }
      if (token.text === 'nil') return { kind: 'literal', value: null }
      if (!Object.hasOwn(FUNCTIONS, token.text)) throw badTemplate(`function "${token.text}" not defined`)
      return { kind: 'function', name: token.text, place: { at: token.at, text: actionFrom(token.at, source) } }
  }
}

/** Go tells the place of a path of several fields by its second one. */
function placeOf({ text, at }: Token): Place {
  const second = text.indexOf('.', text.startsWith('.') ? 1 : text.indexOf('.') + 1)
  return { at: second < 0 ? at : at + second, text }
}

/** The rest of an action, up to where it ends or hands on. */
function actionFrom(at: number, source: string): string {
  return (/^[^|}]*/.exec(source.slice(at))?.[0] ?? '').replace(/[\s-]+$/, '')
}

function fieldsOf(path: string): readonly string[] {
  return path.split('.').filter(name => name !== '')
}
