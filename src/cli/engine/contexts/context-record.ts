import { errorMessage, invalidInput } from '../../../core/errors.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** Endpoint -> file -> content: `docker`, `ca.pem`. */
export type TlsMaterial = Readonly<Record<string, Readonly<Record<string, Buffer>>>>

/** A context as docker keeps it. What we do not know of it is kept too. */
export interface ContextRecord {
  readonly name: string
  /** `Description` and whatever else somebody wrote; absent: the file says nothing. */
  readonly metadata?: JsonObject
  readonly endpoints?: Readonly<Record<string, JsonObject>>
}

/** The largest file of a context that is read, in bytes; docker's own limit. */
export const CONTEXT_BYTES_MAX = 10 << 20

/** Reads a meta.json. Throws BAD_CONTEXT; `where` is what the message names. */
export function parseContext(text: string, where: string): ContextRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw badContext(where, errorMessage(error))
  }
  if (!isObject(value)) throw badContext(where, 'it is not an object')
  const { Name: name = '', Metadata: metadata, Endpoints: endpoints } = value
  if (typeof name !== 'string') throw badContext(where, 'Name is not a text')
  if (metadata !== undefined && metadata !== null && !isObject(metadata))
    throw badContext(where, 'Metadata is not an object')
  if (endpoints !== undefined && endpoints !== null && !isObjectOfObjects(endpoints)) {
    throw badContext(where, 'Endpoints is not an object of objects')
  }
  return {
    name,
    ...(metadata === undefined || metadata === null ? {} : { metadata }),
    ...(endpoints === undefined || endpoints === null ? {} : { endpoints }),
  }
}

export function contextText({ name, metadata, endpoints }: ContextRecord): string {
  return JSON.stringify({ Name: name, Metadata: metadata, Endpoints: endpoints })
}

export function descriptionOf({ metadata }: ContextRecord): string {
  const description = metadata?.['Description']
  return typeof description === 'string' ? description : ''
}

/** The host of its engine; undefined: it has none. */
export function hostOf({ endpoints }: ContextRecord): string | undefined {
  const host = endpoints?.['docker']?.['Host']
  return typeof host === 'string' && host !== '' ? host : undefined
}

function badContext(where: string, why: string): Error {
  return invalidInput('BAD_CONTEXT', `Cannot read ${where}: ${why}`)
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isObjectOfObjects(value: unknown): value is Readonly<Record<string, JsonObject>> {
  return isObject(value) && Object.values(value).every(isObject)
}
