const BOOLEAN = /^(?:true|True|TRUE|false|False|FALSE)$/
const NULL = /^(?:~|null|Null|NULL|)$/
const INTEGER = /^[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['.inf', Number.POSITIVE_INFINITY],
  ['+.inf', Number.POSITIVE_INFINITY],
  ['-.inf', Number.NEGATIVE_INFINITY],
  ['.nan', Number.NaN],
])

/**
 * The value of an unquoted scalar as Go's YAML reads it: booleans of YAML 1.2 (so `yes` is text), integers of YAML 1.1 (so `0440`
 * is octal and `1_000` a thousand). Integers that a double cannot hold stay text, digit by digit.
 */
export function resolvePlainScalar(text: string): string | number | boolean | null {
  if (NULL.test(text)) return null
  if (BOOLEAN.test(text)) return text.toLowerCase() === 'true'
  const special = SPECIAL.get(text.toLowerCase())
  if (special !== undefined) return special
  if (!/^[-+.0-9]/.test(text)) return text
  const digits = text.replaceAll('_', '')
  if (INTEGER.test(digits)) return parseInteger(digits) ?? text
  return FLOAT.test(digits) ? Number(digits) : text
}

function parseInteger(text: string): number | undefined {
  const negative = text.startsWith('-')
  const plain = text.replace(/^[-+]/, '')
  const octal = /^0[oO]?([0-7]+)$/.exec(plain)?.[1]
  const value = octal === undefined ? Number(plain) : Number.parseInt(octal, 8)
  if (!Number.isSafeInteger(value)) return undefined
  return negative ? -value : value
}
