/** Digests that work in progress needs, so that removing an image does not take them away meanwhile. */
export class Leases {
  readonly #counts = new Map<string, number>()

  holds(digest: string): boolean {
    return this.#counts.has(digest)
  }

  async hold<T>(digests: readonly string[], work: () => Promise<T>): Promise<T> {
    using _held = this.take(digests)
    return await work()
  }

  /** Holds them until it is disposed of. */
  take(digests: readonly string[]): Disposable {
    for (const digest of digests) this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1)
    return { [Symbol.dispose]: () => this.#giveBack(digests) }
  }

  #giveBack(digests: readonly string[]): void {
    for (const digest of digests) {
      const left = (this.#counts.get(digest) ?? 1) - 1
      if (left === 0) this.#counts.delete(digest)
      else this.#counts.set(digest, left)
    }
  }
}
