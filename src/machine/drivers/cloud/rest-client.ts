import { sleep, withDeadline } from '../../../core/clock.ts'
import { errorMessage, failed, isTransient, ShoalError, unavailable } from '../../../core/errors.ts'
import { backoff } from '../../../core/retry.ts'
import type { DriverPorts } from '../driver.ts'

/** What is asked of a cloud's interface. */
export interface RestRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the base, with a leading slash. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface RestClient {
  /** Resolves with the parsed answer, undefined where there is none. Throws what the cloud's table of errors makes of a refusal. */
  readonly ask: (request: RestRequest) => Promise<unknown>
}

/** Of a cloud, as far as requests go. */
export interface RestSite {
  /** As a person calls it: `Hetzner`. */
  readonly title: string
  /** `https://api.example.com/v1` */
  readonly base: string
  readonly token: string
  /** Makes an error of an answer that is none of 2xx. */
  readonly explain: (status: number, body: unknown) => ShoalError
}

const ANSWER_MS_MAX = 30_000
const TRIES_MAX = 6
/** A limit that lasts longer is told at once. */
const PAUSE_MS_MAX = 120_000
const TOO_MANY = 429
const pause = backoff(1_000, 16_000)

/** A REST interface with a token. Limits are waited for, and what may pass is tried again where asking twice does no harm. */
export function restClient(
  site: RestSite,
  { request, clock }: Pick<DriverPorts, 'request' | 'clock'>,
  signal: AbortSignal,
): RestClient {
  const once = async (wanted: RestRequest): Promise<Answer> => {
    const { method, path, query = {}, body } = wanted
    const search = new URLSearchParams(query).toString()
    const asking = async (inner: AbortSignal): Promise<Answer> => {
      const response = await request(`${site.base}${path}${search === '' ? '' : `?${search}`}`, {
        method,
        signal: inner,
        // Another host must not be handed the token.
        redirect: 'error',
        headers: {
          authorization: `Bearer ${site.token}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { response, body: parseBody(await response.text()) }
    }
    try {
      return await withDeadline(asking, ANSWER_MS_MAX, {
        clock,
        signal,
        onTimeout: () => unavailable('CLOUD_SILENT', `${site.title} does not answer within ${ANSWER_MS_MAX / 1_000} s`),
      })
    } catch (cause) {
      signal.throwIfAborted()
      if (isTransient(cause)) throw cause
      throw unavailable('CLOUD_UNREACHABLE', `Cannot reach ${site.title}: ${errorMessage(cause)}`, { cause })
    }
  }
  return {
    async ask(wanted) {
      for (let attempt = 1; ; attempt++) {
        const outcome = await once(wanted).catch((error: unknown) => error)
        if (isAnswer(outcome) && outcome.response.ok) return outcome.body
        const error = isAnswer(outcome) ? site.explain(outcome.response.status, outcome.body) : outcome
        const waitMs = isAnswer(outcome) ? limitMs(outcome.response, clock.nowMs()) : undefined
        // What was refused for a limit was not done. Of anything else we do not know: a second POST could make a second server.
        const mayRepeat = waitMs !== undefined || (wanted.method !== 'POST' && isTransient(error))
        if (!mayRepeat || attempt >= TRIES_MAX || (waitMs ?? 0) > PAUSE_MS_MAX) throw error
        await sleep(clock, waitMs ?? pause(attempt), signal)
      }
    },
  }
}

interface Answer {
  readonly response: Response
  readonly body: unknown
}

function isAnswer(outcome: unknown): outcome is Answer {
  return typeof outcome === 'object' && outcome !== null && 'response' in outcome
}

/** How long to wait where there were too many requests; undefined: there were not. */
function limitMs({ status, headers }: Response, nowMs: number): number | undefined {
  if (status !== TOO_MANY) return undefined
  const after = Number(headers.get('retry-after') ?? Number.NaN)
  if (after >= 0) return after * 1_000
  // A moment, in seconds since 1970.
  const reset = Number(headers.get('ratelimit-reset') ?? Number.NaN)
  return Number.isNaN(reset) ? pause(1) : Math.max(0, reset * 1_000 - nowMs)
}

function parseBody(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Codes of a cloud's errors, and what a person makes of them. */
export type ErrorWords = Readonly<Record<string, { readonly mayPass?: boolean; readonly remedy: string }>>

/** An error of a cloud: its own sentence, and what to do. */
export function cloudError(
  title: string,
  words: ErrorWords,
  { status, code, message }: { readonly status: number; readonly code: string; readonly message: string },
): ShoalError {
  const known = words[code]
  const remedy = known === undefined ? '' : `: ${known.remedy}`
  const text = `${title} refuses: ${message || `status ${status}`} (${code || status})${remedy}`
  const details = { details: { cloudStatus: status, cloudCode: code } }
  return known?.mayPass === true || status >= 500
    ? unavailable('CLOUD_REFUSED', text, details)
    : failed('CLOUD_REFUSED', text, details)
}

const GONE = 404

/** Undefined for what is not there any more; an answer without a body is `{}`. */
export async function unlessGone(asking: Promise<unknown>): Promise<unknown> {
  try {
    return (await asking) ?? {}
  } catch (error) {
    if (error instanceof ShoalError && error.details['cloudStatus'] === GONE) return undefined
    throw error
  }
}
