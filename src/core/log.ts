/**
 * Where a part of the system says what it did: structured fields first, then a short fixed message.
 *
 * The shape is pino's, so that a pino logger is one; the core never formats log text.
 */
export interface Log {
  readonly debug: (fields: object, message: string) => void
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
