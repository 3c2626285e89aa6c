import { invalidInput } from '../../../core/errors.ts'
import { FUNCTIONS, type TemplateFunction } from './functions.ts'
import { badTemplate, type Command, type Node, type Operand, type Pipeline, parseTemplate } from './parse.ts'
import { goText, isTruthy } from './text.ts'

export interface TemplateOptions {
  /** A field that is not there is `<no value>` instead of an error. */
  readonly lenient?: boolean
  /** A table's header: fields give their titles, and functions pass them on. */
  readonly header?: boolean
}

/** A template made ready: fills in one value. Throws BAD_FLAG for fields and functions that do not exist. */
export type Template = (value: unknown) => string

/** Go's template language as docker's `--format` uses it. Throws BAD_FLAG for a template that cannot be read. */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const nodes = parseTemplate(source)
  return value => {
    const { lenient = false, header = false } = options
    const scope: Scope = { dot: value, variables: new Map([['$', value]]), source, lenient, header }
    return renderNodes(nodes, scope)
  }
}

interface Scope {
  readonly dot: unknown
  readonly variables: ReadonlyMap<string, unknown>
  readonly source: string
  readonly lenient: boolean
  readonly header: boolean
}

function renderNodes(nodes: readonly Node[], outer: Scope): string {
  let scope = outer
  let text = ''
  for (const node of nodes) {
    if (node.kind === 'text') text += node.text
    else if (node.kind === 'print') {
      const value = evaluate(node.pipeline, scope)
      scope = withVariables(scope, node.pipeline.variables, [value])
      if (node.pipeline.variables.length === 0) text += goText(value)
    } else text += renderBlock(node, scope)
  }
  return text
}

function withVariables(scope: Scope, names: readonly string[], values: readonly unknown[]): Scope {
  if (names.length === 0) return scope
  const added = names.map((name, index): [string, unknown] => [name, values[index]])
  return { ...scope, variables: new Map([...scope.variables, ...added]) }
}

function renderBlock(node: Extract<Node, { body: unknown }>, scope: Scope): string {
  const value = evaluate(node.pipeline, scope)
  const { variables } = node.pipeline
  if (node.kind === 'range') return renderRange(node, value, scope)
  if (!isTruthy(value)) return renderNodes(node.otherwise, scope)
  const inner = withVariables(scope, variables, [value])
  return renderNodes(node.body, node.kind === 'with' ? { ...inner, dot: value } : inner)
}

function renderRange(node: Extract<Node, { body: unknown }>, value: unknown, scope: Scope): string {
  const entries = entriesOf(value)
  if (entries.length === 0) return renderNodes(node.otherwise, scope)
  const { variables } = node.pipeline
  return entries
    .map(([key, item]) => {
      const inner = withVariables(scope, variables, variables.length > 1 ? [key, item] : [item])
      return renderNodes(node.body, { ...inner, dot: item })
    })
    .join('')
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
      if (error instanceof RangeError) throw badTemplate(scope.source, error.message)
      throw error
    }
  }
  const value = valueOf(first, scope)
  const args = [...rest.map(operand => valueOf(operand, scope)), ...piped]
  if (typeof value === 'function') return (value as TemplateFunction)(...args)
  if (scope.header) return args.length === 0 ? value : headerOf(args[0])
  if (args.length > 0) throw badTemplate(scope.source, 'an argument is given to something that is no function')
  return value
}

/** Docker's title of `{{.Label "com.example.some-name"}}`: `some name`. */
function headerOf(label: unknown): string {
  return goText(label).split('.').at(-1)?.replaceAll(/[-_]/g, ' ') ?? ''
}

const PASSED_ON = ['json', 'split', 'join', 'title', 'lower', 'upper', 'pad', 'truncate', 'println']

function functionOf(name: string, { source, header }: Scope): TemplateFunction {
  if (header && PASSED_ON.includes(name)) return value => value
  const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (found === undefined) throw badTemplate(source, `function "${name}" not defined`)
  return found
}

function valueOf(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal':
      return operand.value
    case 'function':
      return functionOf(operand.name, scope)()
    case 'group':
      return fieldsOf(evaluate(operand.pipeline, scope), operand.fields, scope)
    case 'path':
      if (operand.root !== '.' && !scope.variables.has(operand.root)) {
        throw badTemplate(scope.source, `undefined variable "${operand.root}"`)
      }
      return fieldsOf(operand.root === '.' ? scope.dot : scope.variables.get(operand.root), operand.fields, scope)
  }
}

function fieldsOf(from: unknown, fields: readonly string[], scope: Scope): unknown {
  let value = from
  for (const name of fields) {
    if (typeof value === 'object' && value !== null && name in value) {
      value = (value as Readonly<Record<string, unknown>>)[name]
      continue
    }
    if (scope.header) value = `${goText(value)}.${name.toUpperCase()}`
    if (scope.header) continue
    if (scope.lenient) return undefined
    const known = typeof value === 'object' && value !== null ? `: known are ${Object.keys(value).join(', ')}` : ''
    throw invalidInput('BAD_FLAG', `Cannot find field "${name}" of {{.${fields.join('.')}}}${known}`)
  }
  return value
}
