/** More than anybody builds between two restarts of a manager. */
const NAMES_MAX = 10_000

/** Which image was made through this manager under a name: no registry has it, and no node may say that it is another. */
export class BuiltImages {
  readonly #ids = new Map<string, string>()

  add(names: readonly string[], id: string): void {
    for (const name of names) {
      const key = withTag(name)
      this.#ids.delete(key)
      this.#ids.set(key, id)
    }
    for (const oldest of this.#ids.keys()) {
      if (this.#ids.size <= NAMES_MAX) break
      this.#ids.delete(oldest)
    }
  }

  idOf(name: string): string | undefined {
    return this.#ids.get(withTag(name))
  }

  /** The name means what a registry has from now on. */
  forget(name: string): void {
    this.#ids.delete(withTag(name))
  }
}

function withTag(name: string): string {
  return name.lastIndexOf(':') > name.lastIndexOf('/') ? name : `${name}:latest`
}
