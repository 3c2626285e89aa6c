/** Lets a few through at a time; the others wait for their turn, those in a hurry before all others. */
export class Gate {
  readonly #width: number
  /** How many pass at once that are in no hurry: there is always room for one that is. */
  readonly #widthAtLeisure: number
  readonly #urgent: (() => void)[] = []
  readonly #leisurely: (() => void)[] = []
  #passing = 0

  constructor(width: number, widthAtLeisure: number) {
    this.#width = width
    this.#widthAtLeisure = widthAtLeisure
  }

  async pass<T>(work: () => Promise<T>, isUrgent = true): Promise<T> {
    if (this.#passing < (isUrgent ? this.#width : this.#widthAtLeisure)) this.#passing++
    else await new Promise<void>(resolve => (isUrgent ? this.#urgent : this.#leisurely).push(resolve))
    try {
      return await work()
    } finally {
      this.#passing--
      this.#next()
    }
  }

  #next(): void {
    const isRoomy = this.#passing < this.#widthAtLeisure
    const next = this.#urgent.shift() ?? (isRoomy ? this.#leisurely.shift() : undefined)
    if (next === undefined) return
    this.#passing++
    next()
  }
}
