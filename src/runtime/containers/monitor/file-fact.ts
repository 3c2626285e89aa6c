import { stat } from 'node:fs/promises'

/** Something that follows from a file, such as what version a program is: found out again only when the file is another one. */
export class FileFact {
  readonly #path: string
  readonly #find: () => Promise<string>
  #known: { readonly of: string; readonly fact: Promise<string> } | undefined

  constructor(path: string, find: () => Promise<string>) {
    this.#path = path
    this.#find = find
  }

  async get(): Promise<string> {
    const { dev, ino, mtimeMs, size } = await stat(this.#path)
    const of = `${dev}:${ino}:${mtimeMs}:${size}`
    if (this.#known?.of !== of) {
      const fact = this.#find()
      this.#known = { of, fact }
      fact.catch(() => {
        this.#known = undefined
      })
    }
    return this.#known.fact
  }
}
