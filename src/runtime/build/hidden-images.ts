import { type ImageStore, imageIdOf } from '../images/index.ts'

type NewImage = Parameters<typeof imageIdOf>[0]

/**
 * Images that stand for what builds have come to, known to the store under no name. Equal states of two builds are one
 * image, so it goes when the last of them has ended.
 */
export class HiddenImages {
  readonly #store: Pick<ImageStore, 'createImage' | 'forget'>
  readonly #uses = new Map<string, number>()

  constructor(store: Pick<ImageStore, 'createImage' | 'forget'>) {
    this.#store = store
  }

  /** What one build holds; disposing lets go of it. */
  open(): HeldImages {
    const held = new Set<string>()
    return {
      hold: async image => {
        const id = imageIdOf(image)
        // Counted before it is made: whoever ends meanwhile must see that it is wanted.
        if (!held.has(id)) this.#uses.set(id, (this.#uses.get(id) ?? 0) + 1)
        held.add(id)
        await this.#store.createImage({ ...image, hidden: true })
        return id
      },
      keep: id => void held.delete(id),
      [Symbol.asyncDispose]: async () => {
        for (const id of held) await this.#release(id)
      },
    }
  }

  async #release(id: string): Promise<void> {
    const left = (this.#uses.get(id) ?? 1) - 1
    if (left > 0) {
      this.#uses.set(id, left)
      return
    }
    this.#uses.delete(id)
    await this.#store.forget(id)
  }
}

export interface HeldImages extends AsyncDisposable {
  /** Makes an image, or finds it; resolves with its id. */
  readonly hold: (image: NewImage) => Promise<string>
  /** Leaves an image when the build ends: a container that is kept is made of it. */
  readonly keep: (id: string) => void
}
