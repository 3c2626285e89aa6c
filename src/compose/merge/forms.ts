import { asList, asText, fromEntries, isList, isTree, mapValues, type Tree } from '../tree.ts'

/** Conversions between the two ways to write the same thing, as merging needs them. A value of another kind stays. */

/** `[A=b, C]` as `{A: b, C: null}`; the last of equal keys wins. */
export function keyValues(value: unknown): unknown {
  if (!isList(value)) return value
  return fromEntries(
    value.map(item => {
      const text = asText(item)
      const equals = text.indexOf('=')
      return equals < 0 ? ([text, null] as const) : ([text.slice(0, equals), text.slice(equals + 1)] as const)
    }),
  )
}

/** `[a, b]` as `{a: null, b: null}`. */
export function named(value: unknown, content: unknown = null): unknown {
  return isList(value) ? fromEntries(value.map(item => [asText(item), content])) : value
}

export const STARTED: Tree = { condition: 'service_started', required: true }

/** Short `depends_on` as the long form. */
export function dependencies(value: unknown): unknown {
  if (isList(value)) return named(value, STARTED)
  return isTree(value) ? mapValues(value, field => (isTree(field) ? { required: true, ...field } : field)) : value
}

/** `{a: 1.2.3.4}` or `{a: [1.2.3.4, …]}` as `[a=1.2.3.4, …]`. */
export function hostList(value: unknown): unknown {
  if (!isTree(value)) return value
  return Object.entries(value).flatMap(([host, addresses]) =>
    asList(addresses).map(address => `${host}=${asText(address)}`),
  )
}

/** `./dir` as `{context: ./dir}`. */
export function buildForm(value: unknown): unknown {
  return typeof value === 'string' ? { context: value } : value
}
