/** How a program started by a person ends: done, failed, used wrongly, or refused by a check. */
export const EXIT_CODES = { done: 0, failed: 1, usage: 2, refused: 3 } as const

export interface ShoalErrorOptions {
  readonly cause?: unknown
  /** Machine-readable facts behind the sentence. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * An error that a person or a program may meet.
 *
 * `code` is stable and in UPPER_SNAKE_CASE; `status` is the HTTP status the Docker Engine API would answer with;
 * the message is one sentence that says what happened and what to do about it. It is never printed with a stack.
 */
export class ShoalError extends Error {
  override readonly name: string = 'ShoalError'
  readonly code: string
  readonly status: number
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, status: number, message: string, options: ShoalErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = status
    this.details = options.details ?? {}
  }
}

/** The input is wrong: a bad flag, file, field or name. */
export function invalidInput(code: string, message: string, options?: ShoalErrorOptions): ShoalError {
  return new ShoalError(code, 400, message, options)
}

/** The thing named does not exist. */
export function notFound(code: string, message: string, options?: ShoalErrorOptions): ShoalError {
  return new ShoalError(code, 404, message, options)
}

/** The request contradicts what exists: a name or a port that is taken, an object in use, a lost race. */
export function conflict(code: string, message: string, options?: ShoalErrorOptions): ShoalError {
  return new ShoalError(code, 409, message, options)
}

/** The request is understood, but this program does not do it. */
export function unsupported(code: string, message: string, options?: ShoalErrorOptions): ShoalError {
  return new ShoalError(code, 501, message, options)
}

/** Something outside failed: the kernel, a child process, a registry, a disk. */
export function failed(code: string, message: string, options?: ShoalErrorOptions): ShoalError {
  return new ShoalError(code, 500, message, options)
}

/** A party that is needed does not answer now; the same request may succeed later. */
export function unavailable(code: string, message: string, options?: ShoalErrorOptions): ShoalError {
  return new TransientError(code, 503, message, options)
}

/** An error that may pass by itself: retrying is worth while. Marked where it is best known, in the adapter. */
export class TransientError extends ShoalError {
  override readonly name = 'TransientError'
}

export function isTransient(error: unknown): boolean {
  return error instanceof TransientError
}

/** The stable code of an error, Node's own codes (`ENOENT`) included; undefined if it has none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The sentence of an error, with the sentences of its causes behind it. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : errorMessage(error.cause)
  return cause === '' || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`
}
