import { invalidInput } from '../core/errors.ts'

/** One step of a compiled pattern. */
type Step =
  | { op: 'char'; readonly matches: (char: string) => boolean; readonly next: number }
  | { op: 'split'; first: number; second: number }
  | { op: 'begin' | 'end'; readonly next: number }
  | { op: 'match' }

type Tree =
  | { readonly kind: 'char'; readonly matches: (char: string) => boolean }
  | { readonly kind: 'begin' | 'end' }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Tree[] }
  | { readonly kind: '*' | '+' | '?'; readonly part: Tree }

export type Matcher = (text: string) => boolean

/**
 * Compiles a regular expression of classic Swarm's constraints (RE2 without counted repetition: the value's alphabet has
 * no braces), found anywhere in the text. Runs all alternatives in step, so that time is linear in the text whatever the
 * pattern: a constraint must not be able to stall the scheduler as a backtracking engine can.
 */
export function compilePattern(source: string): Matcher {
  if (source.length > PATTERN_MAX)
    throw invalidInput('BAD_CONSTRAINT', `A pattern has ${PATTERN_MAX} characters at most`)
  const ignoreCase = source.startsWith('(?i)')
  const tree = new Parser(ignoreCase ? source.slice(4) : source, ignoreCase).parse()
  const steps: Step[] = [{ op: 'match' }]
  const start = emit(steps, tree, 0)
  return text => run(steps, start, text)
}

/** A classic glob: `*` stands for any text, the whole value must match, and other signs keep their meaning in an expression. */
export function compileGlob(glob: string): Matcher {
  return compilePattern(`^(${glob.replaceAll('*', '.*')})$`)
}

function emit(steps: Step[], tree: Tree, next: number): number {
  switch (tree.kind) {
    case 'char':
      return steps.push({ op: 'char', matches: tree.matches, next }) - 1
    case 'begin':
    case 'end':
      return steps.push({ op: tree.kind, next }) - 1
    case 'sequence':
      return tree.parts.reduceRight((after, part) => emit(steps, part, after), next)
    case 'choice':
      return tree.parts
        .map(part => emit(steps, part, next))
        .reduceRight((second, first) => steps.push({ op: 'split', first, second }) - 1)
    case '?':
      return steps.push({ op: 'split', first: emit(steps, tree.part, next), second: next }) - 1
    case '*':
    case '+': {
      const split = { op: 'split' as const, first: 0, second: next }
      const index = steps.push(split) - 1
      split.first = emit(steps, tree.part, index)
      return tree.kind === '*' ? index : split.first
    }
  }
}

/** The steps a pattern may be at, without any twice. Cleared at no cost, because every character needs a new one. */
class States {
  readonly list: number[] = []
  readonly #added: Uint32Array
  #turn = 0

  constructor(count: number) {
    this.#added = new Uint32Array(count)
  }

  clear(): void {
    this.list.length = 0
    this.#turn++
  }

  add(state: number): boolean {
    if (this.#added[state] === this.#turn) return false
    this.#added[state] = this.#turn
    this.list.push(state)
    return true
  }
}

function run(steps: readonly Step[], start: number, text: string): boolean {
  let states = new States(steps.length)
  let next = new States(steps.length)
  states.clear()
  for (let at = 0; at <= text.length; at++) {
    // The expression may begin anywhere; the end sign, if it has one, is what ties it down.
    if (follow(steps, start, { at, length: text.length, states })) return true
    const char = text[at]
    if (char === undefined) return false
    next.clear()
    for (const state of states.list) {
      const step = steps[state]
      if (step?.op !== 'char' || !step.matches(char)) continue
      if (follow(steps, step.next, { at: at + 1, length: text.length, states: next })) return true
    }
    ;[states, next] = [next, states]
  }
  return false
}

interface Position {
  readonly at: number
  readonly length: number
  readonly states: States
}

/** Adds every step that can be reached without reading; true if the match is complete. */
function follow(steps: readonly Step[], from: number, position: Position): boolean {
  const stack = [from]
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    if (!position.states.add(index)) continue
    const step = steps[index]
    if (step?.op === 'match') return true
    if (step?.op === 'split') stack.push(step.second, step.first)
    if (step?.op === 'begin' && position.at === 0) stack.push(step.next)
    if (step?.op === 'end' && position.at === position.length) stack.push(step.next)
  }
  return false
}

const ESCAPES: Readonly<Record<string, RegExp>> = { d: /\d/, D: /\D/, w: /\w/, W: /\W/, s: /\s/, S: /\S/ }

/** Groups within groups. */
const DEPTH_MAX = 500
/** Time grows with the pattern and with the text; no name and no label needs as long a pattern. */
const PATTERN_MAX = 1_024

class Parser {
  readonly #source: string
  readonly #ignoreCase: boolean
  #at = 0
  #depth = 0

  constructor(source: string, ignoreCase: boolean) {
    this.#source = source
    this.#ignoreCase = ignoreCase
  }

  parse(): Tree {
    const tree = this.#choice()
    if (this.#at < this.#source.length) throw this.#bad('unexpected )')
    return tree
  }

  #choice(): Tree {
    const parts = [this.#sequence()]
    while (this.#take('|')) parts.push(this.#sequence())
    return { kind: 'choice', parts }
  }

  #sequence(): Tree {
    const parts: Tree[] = []
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      parts.push(this.#repeated(this.#atom()))
    }
    return { kind: 'sequence', parts }
  }

  #repeated(part: Tree): Tree {
    const sign = this.#repeatSign()
    if (sign === undefined) return part
    // Behind a sign, `?` means "as few as possible", which makes no difference to whether there is a match.
    this.#take('?')
    const another = this.#repeatSign()
    if (another !== undefined) throw this.#bad(`invalid nested repetition operator: ${sign}${another}`)
    return { kind: sign, part }
  }

  #repeatSign(): '*' | '+' | '?' | undefined {
    const sign = this.#peek()
    if (sign !== '*' && sign !== '+' && sign !== '?') return undefined
    this.#at++
    return sign
  }

  #atom(): Tree {
    const char = this.#next()
    if (char === '(') {
      this.#depth++
      // As in RE2, so that what is written cannot be deeper than the stack that reads it.
      if (this.#depth > DEPTH_MAX) throw this.#bad('expression nests too deeply')
      if (this.#take('?') && !this.#take(':')) throw this.#bad('only (?: groups and a leading (?i) are known')
      const inside = this.#choice()
      if (!this.#take(')')) throw this.#bad('missing )')
      this.#depth--
      return inside
    }
    if (char === '[') return this.#set()
    if (char === '^') return { kind: 'begin' }
    if (char === '$') return { kind: 'end' }
    if (char === '.') return { kind: 'char', matches: () => true }
    if (char === '*' || char === '+' || char === '?') throw this.#bad(`nothing to repeat before ${char}`)
    return { kind: 'char', matches: char === '\\' ? this.#escape() : this.#exactly(char) }
  }

  #set(): Tree {
    const negated = this.#take('^')
    const tests: ((char: string) => boolean)[] = []
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const low = this.#next()
      if (low === '\\') {
        tests.push(this.#escape())
      } else if (this.#peek() === '-' && this.#source[this.#at + 1] !== ']') {
        this.#at++
        tests.push(this.#range(low, this.#next()))
      } else {
        tests.push(this.#exactly(low))
      }
    }
    this.#at++
    return { kind: 'char', matches: char => tests.some(test => test(char)) !== negated }
  }

  #range(low: string, high: string): (char: string) => boolean {
    const inside = (char: string): boolean => low <= char && char <= high
    if (!this.#ignoreCase) return inside
    return char => inside(char.toLowerCase()) || inside(char.toUpperCase())
  }

  #exactly(wanted: string): (char: string) => boolean {
    if (!this.#ignoreCase) return char => char === wanted
    return char => char.toLowerCase() === wanted.toLowerCase()
  }

  #escape(): (char: string) => boolean {
    const char = this.#next()
    const known = ESCAPES[char]
    if (known !== undefined) return other => known.test(other)
    if (/[a-z0-9]/i.test(char)) throw this.#bad(`\\${char} is not known`)
    return other => other === char
  }

  #peek(): string | undefined {
    return this.#source[this.#at]
  }

  #next(): string {
    const char = this.#source[this.#at++]
    if (char === undefined) throw this.#bad('it ends too early')
    return char
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false
    this.#at++
    return true
  }

  #bad(why: string): Error {
    return invalidInput('BAD_CONSTRAINT', `Cannot read expression "${shorten(this.#source)}": ${why}`)
  }
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
