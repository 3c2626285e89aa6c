import { fileError, lineError } from './errors.ts'
import { splitWords } from './words.ts'

/** A name and its value, as written. */
export interface Pair {
  readonly name: string
  readonly value: string
}

/** Reads `a=b c="d e"`, or the old form `a everything else`: ENV and LABEL. */
export function readPairs(keyword: string, rest: string, { line, escape }: { line: number; escape: string }): Pair[] {
  const words = splitWords(rest, escape)
  const [first = ''] = words
  if (first === '') throw lineError(line, `${keyword} requires at least one argument`)
  if (!first.includes('=')) {
    const value = /^\S+\s+(.*)$/s.exec(rest)?.[1]
    if (value === undefined) throw fileError(`${keyword} must have two arguments`)
    return [{ name: first, value }]
  }
  return words.map(word => {
    const at = word.indexOf('=')
    if (at < 0) {
      throw fileError(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`)
    }
    if (at === 0) throw lineError(line, `${keyword} names can not be blank`)
    return { name: word.slice(0, at), value: word.slice(at + 1) }
  })
}

/** An ARG: a name, and the value it has if none is given. */
export interface Argument {
  readonly name: string
  readonly fallback?: string
}

export function readArguments(rest: string, { line, escape }: { line: number; escape: string }): Argument[] {
  const words = splitWords(rest, escape)
  if (words.length === 0) throw lineError(line, 'ARG requires at least one argument')
  return words.map(word => {
    const at = word.indexOf('=')
    if (at === 0) throw lineError(line, 'ARG names can not be blank')
    return at < 0 ? { name: word } : { name: word.slice(0, at), fallback: word.slice(at + 1) }
  })
}
