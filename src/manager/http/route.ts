import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request as handlers see it, whatever serves HTTP. */
export interface ApiRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
  readonly raw: IncomingMessage
  /** As the client wrote it, with its API version. */
  readonly originalUrl: string
}

/** What a handler answers: JSON with a status, or that it has answered (or will) on the raw response itself. */
export type ApiReply =
  | { readonly status?: number; readonly json: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status?: number; readonly text: string; readonly headers?: Readonly<Record<string, string>> }
  /** JSON that is written already, in parts; the same bytes may go to many clients. */
  | { readonly jsonParts: readonly Buffer[] }
  | { readonly answer: (response: ServerResponse) => Promise<void> }

export interface ApiRoute {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** With `:name` for a part that varies. */
  readonly path: string
  readonly summary: string
  /** Names of query parameters, with what they mean. */
  readonly query?: Readonly<Record<string, string>>
  readonly body?: object
  /** The body is handed on unread. */
  readonly raw?: boolean
  /** Longest body, if it is to be shorter than usual. */
  readonly bodyBytesMax?: number
  /** Needs nothing of what a manager that has just started does not know yet. */
  readonly atOnce?: boolean
  /** Only the leader does it: any other manager hands the request on. */
  readonly leaderOnly?: boolean
  readonly handle: (request: ApiRequest) => Promise<ApiReply>
}

/** Docker's and our way to write a switch in a query: `1`, `true`, or the bare name. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && !['0', 'false', 'False', 'no'].includes(value)
}
