import type { ServerResponse } from 'node:http'
import { errorMessage, ShoalError } from '../../../core/errors.ts'
import type { ProgressMessage } from '../../resource-types.ts'
import { beginStream, type HttpReply } from '../http-app.ts'

/**
 * An answer made of one JSON object a line. What fails before the first line is a plain error with its status; what fails
 * later can only be said inside the stream, as Docker does.
 */
export class ProgressStream {
  readonly #reply: HttpReply
  #body: ServerResponse | undefined

  constructor(reply: HttpReply) {
    this.#reply = reply
  }

  readonly write = (message: ProgressMessage): void => {
    this.#body ??= beginStream(this.#reply, 'application/json')
    this.#body.write(`${JSON.stringify(message)}\r\n`)
  }

  /** Runs the work; `last` are the lines that follow its success. */
  async finish<T>(work: Promise<T>, last: (result: T) => readonly ProgressMessage[] = () => []): Promise<void> {
    try {
      for (const message of last(await work)) this.write(message)
    } catch (error) {
      if (this.#body === undefined) throw error
      const message = errorMessage(error)
      // What a command of a build ended with, so that clients can end with the same.
      const isStep = error instanceof ShoalError && error.code === 'RUN_FAILED'
      const code = isStep ? error.details['exitCode'] : undefined
      this.write({ errorDetail: typeof code === 'number' ? { code, message } : { message }, error: message })
    }
    this.#body ??= beginStream(this.#reply, 'application/json')
    this.#body.end()
  }
}
