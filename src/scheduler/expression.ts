import { invalidInput } from '../core/errors.ts'

/** `key==value`, as people write constraints and affinities. */
export interface Expression {
  readonly key: string
  readonly equal: boolean
  /** A wish: `key==~value`. */
  readonly soft: boolean
  /** Without the sign of a wish. */
  readonly value: string
  /** As it was written, without spaces at its ends. */
  readonly text: string
}

const KEY = /^[a-z_][a-z0-9\-_.]+$/i
const VALUE = /^[=!/]?~?[a-z0-9:\-_\s.*/()?+[\]\\^$|]+$/i
/** No label and no list of nodes is as long; the matcher's time grows with it. */
const LENGTH_MAX = 4_096

/** Throws BAD_CONSTRAINT with classic Swarm's sentences (scheduler/filter/expr.go). */
export function parseExpression(text: string): Expression {
  if (text.length > LENGTH_MAX) throw badExpression(`An expression has ${LENGTH_MAX} characters at most`)
  const operatorAt = /==|!=/.exec(text)
  if (operatorAt === null) throw badExpression(`One of operator ==, != is expected in "${text}"`)
  const key = text.slice(0, operatorAt.index).trim()
  const written = text.slice(operatorAt.index + 2).trim()
  if (!KEY.test(key)) throw badExpression(`Key '${key}' is invalid`)
  if (!VALUE.test(written)) throw badExpression(`Value '${written}' is invalid`)
  const soft = written.startsWith('~')
  const value = soft ? written.slice(1).trim() : written
  return { key, equal: operatorAt[0] === '==', soft, value, text: text.trim() }
}

export function badExpression(message: string): Error {
  return invalidInput('BAD_CONSTRAINT', message)
}
