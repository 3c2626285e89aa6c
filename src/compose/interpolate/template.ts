/** Finds the value of a variable; undefined is unset, which is not the same as empty. */
export type Lookup = (name: string) => string | undefined

/** `-` default, `+` alternate, `?` required; with a colon, empty counts as unset. */
type Operator = '' | '-' | ':-' | '+' | ':+' | '?' | ':?'

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly operator: Operator; readonly operand: string }

export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly kind: 'syntax' | 'required'

  constructor(kind: 'syntax' | 'required', message: string) {
    super(message)
    this.kind = kind
  }
}

const NAME = /^[_a-zA-Z][_a-zA-Z0-9]*/
const OPERATORS = [':-', ':+', ':?', '-', '+', '?'] as const

/** Splits a text at its variables (`$V`, `${V}`, `${V:-default}`, …). Throws TemplateError for what is no variable. */
function parseTemplate(template: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = []
  let text = ''
  let index = 0
  const flush = (): void => {
    if (text !== '') parts.push({ kind: 'text', text })
    text = ''
  }
  while (index < template.length) {
    const rest = template.slice(index + 1)
    const name = NAME.exec(rest)?.[0]
    if (template[index] !== '$' || (!rest.startsWith('$') && !rest.startsWith('{') && name === undefined)) {
      text += template[index]
      index++
    } else if (rest.startsWith('$')) {
      text += '$'
      index += 2
    } else if (name !== undefined) {
      flush()
      parts.push({ kind: 'variable', name, operator: '', operand: '' })
      index += 1 + name.length
    } else {
      const end = closingBrace(template, index + 2)
      flush()
      parts.push(parseBraced(template.slice(index + 2, end), template))
      index = end + 1
    }
  }
  flush()
  return parts
}

function closingBrace(template: string, from: number): number {
  let depth = 1
  for (let index = from; index < template.length; index++) {
    if (template[index] === '{') depth++
    if (template[index] === '}') depth--
    if (depth === 0) return index
  }
  throw new TemplateError('syntax', template)
}

function parseBraced(inner: string, template: string): TemplatePart {
  const name = NAME.exec(inner)?.[0]
  if (name === undefined) throw new TemplateError('syntax', template)
  const rest = inner.slice(name.length)
  if (rest === '') return { kind: 'variable', name, operator: '', operand: '' }
  const operator = OPERATORS.find(sign => rest.startsWith(sign))
  if (operator === undefined) throw new TemplateError('syntax', template)
  return { kind: 'variable', name, operator, operand: rest.slice(operator.length) }
}

/** Nobody writes defaults of defaults so deep; whoever does would exhaust the stack. */
const DEPTH_MAX = 100

/** Fills a template in. `onUnset` hears of each variable that is replaced by a blank; defaults are only read when needed. */
export function substitute(template: string, lookup: Lookup, onUnset: (name: string) => void): string {
  return substituteBelow(template, { lookup, onUnset, depth: 0 })
}

interface Substitution {
  readonly lookup: Lookup
  readonly onUnset: (name: string) => void
  readonly depth: number
}

function substituteBelow(template: string, substitution: Substitution): string {
  if (!template.includes('$')) return template
  if (substitution.depth > DEPTH_MAX) throw new TemplateError('syntax', template)
  return parseTemplate(template)
    .map(part => (part.kind === 'text' ? part.text : substituteVariable(part, substitution)))
    .join('')
}

function substituteVariable(
  { name, operator, operand }: Extract<TemplatePart, { kind: 'variable' }>,
  { lookup, onUnset, depth }: Substitution,
): string {
  const value = lookup(name)
  const present = isPresent(value, operator)
  const inner = (): string => substituteBelow(operand, { lookup, onUnset, depth: depth + 1 })
  switch (operator) {
    case '':
      if (value === undefined) onUnset(name)
      return value ?? ''
    case '-':
    case ':-':
      return present ? (value ?? '') : inner()
    case '+':
    case ':+':
      return present ? inner() : ''
    case '?':
    case ':?':
      if (present) return value ?? ''
      throw new TemplateError('required', `required variable ${name} is missing a value: ${inner()}`)
  }
}

function isPresent(value: string | undefined, operator: Operator): boolean {
  return value !== undefined && !(operator.startsWith(':') && value === '')
}

/** Every variable a template names, those inside defaults included. Throws TemplateError. */
export function variablesOf(template: string, depth = 0): readonly Extract<TemplatePart, { kind: 'variable' }>[] {
  if (depth > DEPTH_MAX) throw new TemplateError('syntax', template)
  return parseTemplate(template).flatMap(part =>
    part.kind === 'text' ? [] : [part, ...(part.operand.includes('$') ? variablesOf(part.operand, depth + 1) : [])],
  )
}
