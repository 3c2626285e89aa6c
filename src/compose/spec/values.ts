import type { ContainerSpec } from '../../core/model/service.ts'
import { asText, fromEntries, isList, isTree } from '../tree.ts'

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the fields that are undefined. */
export function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function flag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

export function strings(value: unknown): readonly string[] | undefined {
  return isList(value) ? value.map(asText) : undefined
}

export function some<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list
}

/** Null means "not set at all": such a variable is left out. */
export function textsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isTree(value)) return undefined
  const entries = Object.entries(value).filter(([, field]) => field !== null)
  return entries.length === 0
    ? undefined
    : (fromEntries(entries.map(([key, field]) => [key, asText(field)])) as Record<string, string>)
}

/** Zero and -1 mean without limit. */
export function bytes(value: unknown): number | undefined {
  const size = Number(asText(value))
  return size > 0 ? size : undefined
}

/** `extra_hosts` in canonical form as engines take them: `name:address`. */
export function hostLines(value: unknown): readonly string[] {
  return (strings(value) ?? []).map(line => line.replace('=', ':'))
}

export function ulimits(value: unknown): ContainerSpec['ulimits'] {
  if (!isTree(value)) return undefined
  return Object.fromEntries(
    Object.entries(value).map(([name, limit]) => [
      name,
      isTree(limit)
        ? { soft: Number(limit['soft']), hard: Number(limit['hard']) }
        : { soft: Number(limit), hard: Number(limit) },
    ]),
  )
}
