import { createHash } from 'node:crypto'

/** What one value of a request must be; false is a violation of the cloud's published rules. */
export type Check = (value: unknown) => boolean

/** One operation of a cloud's interface, as its reference has it. */
export interface Operation {
  /** Of the reference. */
  readonly section: string
  readonly method: string
  /** With `:id` for what differs. */
  readonly path: string
  readonly query?: Readonly<Record<string, Check>>
  /** Fields of the body; absent: there must be no body. */
  readonly body?: Readonly<Record<string, Check>>
  readonly required?: readonly string[]
  readonly answer: (asked: Asked) => readonly [status: number, body?: unknown]
}

export interface Asked {
  readonly ids: readonly string[]
  readonly query: URLSearchParams
  readonly body: Readonly<Record<string, unknown>>
}

export interface Seen {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

interface Site {
  readonly base: string
  readonly token: string
  readonly operations: readonly Operation[]
  /** The body of an error. */
  readonly error: (code: string, message: string) => unknown
}

/** Speaks a cloud's interface, by its published rules, and notes what breaks them. */
export class FakeCloud {
  readonly violations: string[] = []
  readonly seen: Seen[] = []
  /** Answers instead of the cloud, once each, for the first request that it fits. */
  readonly faults: { readonly fits: (seen: Seen) => boolean; readonly answer: () => Response | Promise<Response> }[] =
    []
  readonly #site: Site

  constructor(site: Site) {
    this.#site = site
  }

  readonly request: typeof fetch = async (input, init = {}) => {
    if (typeof input !== 'string') throw new Error('requests are made with an address')
    const url = new URL(input)
    const method = init.method ?? 'GET'
    const text = init.body
    const body: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
    const path = url.href.slice(this.#site.base.length).split('?')[0] ?? ''
    const seen = { method, path, body }
    this.seen.push(seen)
    this.#expect(url.href.startsWith(`${this.#site.base}/`), `${url.href} is not at ${this.#site.base}`)
    const headers = new Headers(init.headers)
    if (headers.get('authorization') !== `Bearer ${this.#site.token}`) {
      return Response.json(this.#site.error('unauthorized', 'unable to authenticate'), { status: 401 })
    }
    if (text !== undefined) this.#expect(headers.get('content-type') === 'application/json', `${path}: no JSON`)
    const fault = this.faults.findIndex(each => each.fits(seen))
    if (fault >= 0) {
      const [found] = this.faults.splice(fault, 1)
      if (found !== undefined) return found.answer()
    }
    return this.#answer(seen, url.searchParams)
  }

  #answer({ method, path, body }: Seen, query: URLSearchParams): Response {
    for (const operation of this.#site.operations) {
      const ids = method === operation.method ? matchPath(operation.path, path) : undefined
      if (ids === undefined) continue
      this.#check(operation, body, query)
      const [status, answer] = operation.answer({ ids, query, body: isRecord(body) ? body : {} })
      return answer === undefined ? new Response(null, { status }) : Response.json(answer, { status })
    }
    this.#expect(false, `there is no ${method} ${path}`)
    return Response.json(this.#site.error('not_found', 'not found'), { status: 404 })
  }

  #check(
    { section, body: fields, query: allowed = {}, required = [] }: Operation,
    body: unknown,
    query: URLSearchParams,
  ): void {
    for (const [name, value] of query) {
      this.#expect(allowed[name]?.(value) === true, `${section}: query ${name}=${value}`)
    }
    if (fields === undefined) return this.#expect(body === undefined, `${section}: takes no body`)
    const given = isRecord(body) ? body : {}
    for (const name of required) this.#expect(name in given, `${section}: ${name} is required`)
    for (const [name, value] of Object.entries(given)) {
      this.#expect(fields[name]?.(value) === true, `${section}: ${name} must not be ${JSON.stringify(value)}`)
    }
  }

  #expect(holds: boolean, violation: string): void {
    if (!holds) this.violations.push(violation)
  }
}

/** What a cloud does by and by: an action is done after some looks at it. */
export class SlowActions {
  readonly #words: { readonly running: string; readonly done: string }
  readonly #actions: { status: string; polls: number; readonly done: () => void }[] = []

  constructor(words: { readonly running: string; readonly done: string }) {
    this.#words = words
  }

  begin(done: () => void): unknown {
    this.#actions.push({ status: this.#words.running, polls: 2, done })
    return { id: this.#actions.length, status: this.#words.running, error: null }
  }

  look(id: string | undefined): readonly [number, unknown] {
    const action = this.#actions[Number(id) - 1]
    if (action !== undefined && action.status === this.#words.running && --action.polls <= 0) {
      action.status = this.#words.done
      action.done()
    }
    return [200, { action: { id: Number(id), status: action?.status, error: null } }]
  }
}

/** A server that runs once it was asked for so often. */
export interface Booting {
  status: string
  polls: number
}

/** One that is asked for, as one of whoever waits for it. */
export function lookAtBooting(server: Booting, words: { readonly booting: string; readonly running: string }): void {
  if (server.status === words.booting && --server.polls <= 0) server.status = words.running
}

export function findById<T extends { readonly id: number }>(list: readonly T[], id: string | undefined): T | undefined {
  return list.find(each => String(each.id) === id)
}

/** Takes the one with an id out of a list; whether it was there. */
export function removeById(list: { readonly id: number }[], id: string | undefined): boolean {
  const found = findById(list, id)
  if (found !== undefined) list.splice(list.indexOf(found), 1)
  return found !== undefined
}

export interface Page {
  /** From 1. */
  readonly at: number
  readonly rows: readonly unknown[]
  /** The number of the page behind it; undefined: it is the last one. */
  readonly next: number | undefined
}

/** The page that is asked for. It has one row, whatever is asked for, so that somebody who does not turn pages is found out. */
export function pageOf(rows: readonly unknown[], query: URLSearchParams): Page {
  const at = Number(query.get('page') ?? 1)
  return { at, rows: rows.slice(at - 1, at), next: at < rows.length ? at + 1 : undefined }
}

/** The fingerprint of a public key, as clouds show it. */
export function md5(publicKey: string): string {
  const [, base64 = ''] = publicKey.split(' ')
  const digest = createHash('md5').update(Buffer.from(base64, 'base64')).digest('hex')
  return (digest.match(/../g) ?? []).join(':')
}

/** The ids in a path; undefined: it is another one. */
function matchPath(pattern: string, path: string): readonly string[] | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  if (wanted.length !== given.length) return undefined
  if (wanted.some((part, index) => !part.startsWith(':') && part !== given[index])) return undefined
  return given.filter((_part, index) => wanted[index]?.startsWith(':'))
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const isText: Check = value => typeof value === 'string' && value !== ''
export const isSwitch: Check = value => typeof value === 'boolean'
export const isNumber: Check = value => Number.isSafeInteger(value)
export const isListOf =
  (check: Check): Check =>
  value =>
    Array.isArray(value) && value.every(check)
export const isPage: Check = value => /^[1-9]\d*$/.test(String(value))
export const isUpTo =
  (max: number): Check =>
  value =>
    isPage(value) && Number(value) <= max
export const isHostName: Check = value =>
  typeof value === 'string' && /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?$/.test(value)
/** `ssh-ed25519 AAAA… comment` with the type inside again. */
export const isPublicKey: Check = value => {
  const [type = '', base64 = ''] = String(value).split(' ')
  return type === 'ssh-ed25519' && Buffer.from(base64, 'base64').subarray(4, 15).toString() === type
}
