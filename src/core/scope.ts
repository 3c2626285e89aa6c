/**
 * What was opened is closed: in reverse, even when opening failed half-way, and every failure is reported.
 *
 * `signal` is aborted first, so that whatever still waits inside the scope gives up.
 */
export class Scope implements AsyncDisposable {
  readonly #undo: (() => Promise<void> | void)[] = []
  readonly #controller = new AbortController()

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Runs `release` when the scope closes. */
  defer(release: () => Promise<void> | void): void {
    this.#undo.push(release)
  }

  async open<T>(acquire: () => Promise<T> | T, release: (value: T) => Promise<void> | void): Promise<T> {
    this.signal.throwIfAborted()
    const value = await acquire()
    this.defer(() => release(value))
    return value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort()
    const failures: unknown[] = []
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `Cannot close everything: ${failures.length} failed`)
  }
}
