import { FUNCTIONS, indexWith, type TemplateFunction } from './functions.ts'
import type { GoTypes } from './go-types.ts'
import { type Command, type Node, type Operand, type ParsedTemplate, type Pipeline, parseTemplate } from './parse.ts'
import { badTemplate, cannotFill, type Place } from './template-error.ts'
import { goText, isTruthy } from './text.ts'

export interface TemplateOptions {
  /** What the value's JSON does not say of its types; absent: every field that is asked for must be there. */
  readonly typesOf?: (value: unknown) => GoTypes
  /** A table's header: fields give their titles, and functions pass them on. */
  readonly header?: boolean
}

/** A template made ready: fills in one value. Throws TEMPLATE_FAILED for what the value does not have. */
export type Template = (value: unknown) => string

/** Go's template language as docker's `--format` uses it. Throws BAD_TEMPLATE for a template that cannot be read. */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const { nodes, named } = parseTemplate(source)
  return value => {
    const { typesOf, header = false } = options
    const types = typesOf?.(value)
    const scope: Scope = { dot: value, variables: new Map([['$', value]]), source, header, types, named, depth: 0 }
    return renderNodes(nodes, scope).text
  }
}

/** What was written, and what ended it before its end: the nearest range acts on that. */
interface Rendered {
  readonly text: string
  readonly jump?: 'break' | 'continue'
}

interface Scope {
  readonly dot: unknown
  readonly variables: ReadonlyMap<string, unknown>
  readonly source: string
  readonly types: GoTypes | undefined
  readonly header: boolean
  readonly named: ParsedTemplate['named']
  /** How many templates have called one another. */
  readonly depth: number
}

const DEPTH_MAX = 1_000

function renderNodes(nodes: readonly Node[], outer: Scope): Rendered {
  let scope = outer
  let text = ''
  for (const node of nodes) {
    if (node.kind === 'text') text += node.text
    else if (node.kind === 'call') text += renderCall(node, scope)
    else if (node.kind === 'print') {
      const value = evaluate(node.pipeline, scope)
      scope = withVariables(scope, node.pipeline.variables, [value])
      if (node.pipeline.variables.length === 0)
        text += goText(value ?? nothingOf(node.pipeline, value, scope.types), scope.types)
    } else if (node.kind === 'break' || node.kind === 'continue') return { text, jump: node.kind }
    else {
      const { text: added, jump } = renderBlock(node, scope)
      text += added
      if (jump !== undefined) return { text, jump }
    }
  }
  return { text }
}

/** A list or map that is null is printed as an empty one. */
function nothingOf({ commands }: Pipeline, value: unknown, types: GoTypes | undefined): unknown {
  const [operand, ...more] = commands.flat()
  const isField = value === null && operand?.kind === 'path' && more.length === 0
  return isField ? (types?.emptyOf(operand.fields.at(-1) ?? '') ?? null) : value
}

/** A template that was defined by name sees what it is given, and no variables of its caller. */
function renderCall({ name, pipeline, place }: Extract<Node, { kind: 'call' }>, scope: Scope): string {
  const nodes = scope.named.get(name)
  if (nodes === undefined) throw cannotFill(scope.source, place, `template "${name}" not defined`)
  const depth = scope.depth + 1
  if (depth > DEPTH_MAX) throw cannotFill(scope.source, place, `exceeded maximum template depth (${DEPTH_MAX})`)
  const dot = pipeline === undefined ? undefined : evaluate(pipeline, scope)
  return renderNodes(nodes, { ...scope, dot, variables: new Map([['$', dot]]), depth }).text
}

function withVariables(scope: Scope, names: readonly string[], values: readonly unknown[]): Scope {
  if (names.length === 0) return scope
  const added = names.map((name, index): [string, unknown] => [name, values[index]])
  return { ...scope, variables: new Map([...scope.variables, ...added]) }
}

function renderBlock(node: Extract<Node, { body: unknown }>, scope: Scope): Rendered {
  const value = evaluate(node.pipeline, scope)
  const { variables } = node.pipeline
  if (node.kind === 'range') return renderRange(node, value, scope)
  if (!isTruthy(value)) return renderNodes(node.otherwise, scope)
  const inner = withVariables(scope, variables, [value])
  return renderNodes(node.body, node.kind === 'with' ? { ...inner, dot: value } : inner)
}

function renderRange(node: Extract<Node, { body: unknown }>, value: unknown, scope: Scope): Rendered {
  const entries = entriesOf(value)
  if (entries.length === 0) return renderNodes(node.otherwise, scope)
  const { variables } = node.pipeline
  let text = ''
  for (const [key, item] of entries) {
    const inner = withVariables(scope, variables, variables.length > 1 ? [key, item] : [item])
    const { text: added, jump } = renderNodes(node.body, { ...inner, dot: item })
    text += added
    if (jump === 'break') break
  }
  return { text }
}

/** Lists by index, maps by key in order. */
function entriesOf(value: unknown): readonly (readonly [string | number, unknown])[] {
  if (Array.isArray(value)) return value.map((item: unknown, index) => [index, item] as const)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

function evaluate({ commands }: Pipeline, scope: Scope): unknown {
  let piped: readonly unknown[] = []
  for (const command of commands) piped = [run(command, piped, scope)]
  return piped[0]
}

function run([first, ...rest]: Command, piped: readonly unknown[], scope: Scope): unknown {
  if (first === undefined) return undefined
  if (first.kind === 'function') {
    const call = functionOf(first.name, scope)
    try {
      return call(...rest.map(operand => valueOf(operand, scope)), ...piped)
    } catch (error) {
      if (error instanceof RangeError) throw cannotFill(scope.source, first.place, error.message)
      throw error
    }
  }
  const value = valueOf(first, scope)
  const args = [...rest.map(operand => valueOf(operand, scope)), ...piped]
  if (typeof value === 'function') return (value as TemplateFunction)(...args)
  if (scope.header) return args.length === 0 ? value : headerOf(args[0])
  if (args.length > 0 && first.kind === 'path') {
    throw cannotFill(
      scope.source,
      first.place,
      `${first.fields.at(-1) ?? ''} has arguments but cannot be invoked as function`,
    )
  }
  return value
}

/** Docker's title of `{{.Label "com.example.some-name"}}`: `some name`. */
function headerOf(label: unknown): string {
  return goText(label).split('.').at(-1)?.replaceAll(/[-_]/g, ' ') ?? ''
}

const PASSED_ON = ['json', 'split', 'join', 'title', 'lower', 'upper', 'pad', 'truncate', 'println']

function functionOf(name: string, { header, types }: Scope): TemplateFunction {
  if (header && PASSED_ON.includes(name)) return value => value
  if (name === 'index' && types !== undefined) return indexWith(types.zeroOf)
  const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (found === undefined) throw badTemplate(`function "${name}" not defined`)
  return found
}

function valueOf(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal':
      return operand.value
    case 'function':
      return functionOf(operand.name, scope)()
    case 'group':
      return fieldsOf(evaluate(operand.pipeline, scope), operand, scope)
    case 'path':
      if (operand.root !== '.' && !scope.variables.has(operand.root)) {
        throw badTemplate(`undefined variable "${operand.root}"`)
      }
      return fieldsOf(operand.root === '.' ? scope.dot : scope.variables.get(operand.root), operand, scope)
  }
}

interface Fields {
  readonly fields: readonly string[]
  readonly place: Place
}

function fieldsOf(from: unknown, { fields, place }: Fields, scope: Scope): unknown {
  let value = from
  for (const name of fields) {
    if (typeof value === 'object' && value !== null && name in value) {
      value = (value as Readonly<Record<string, unknown>>)[name]
    } else if (scope.header) value = `${goText(value)}.${name.toUpperCase()}`
    else value = absent(value, name, { place, scope })
  }
  return value
}

/** What Go takes a field for that is not there. */
function absent(
  value: unknown,
  name: string,
  { place, scope }: { readonly place: Place; readonly scope: Scope },
): unknown {
  const { types, source } = scope
  if (value === null || value === undefined)
    throw cannotFill(source, place, `nil pointer evaluating interface {}.${name}`)
  if (typeof value !== 'object') {
    throw cannotFill(source, place, `can't evaluate field ${name} in type ${types ? 'interface {}' : typeof value}`)
  }
  if (types === undefined) {
    const known = Object.keys(value).join(', ')
    throw cannotFill(source, place, `can't evaluate field ${name}: known are ${known}`)
  }
  if (types.isMap(value)) return undefined
  if (types.mayLack(name)) return null
  throw cannotFill(source, place, `map has no entry for key "${name}"`)
}
