import { errorMessage } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { ImageStore } from '../images/index.ts'
import { type BuildState, stateId } from './state.ts'

/**
 * What a build came to after each of its steps. As with Docker every one is an image: for who wants to look into a step, or
 * into the last one before a failure. They are made when the build ends, so that nobody takes them away before.
 */
export class StepImages {
  readonly #steps = new Map<string, { readonly state: BuildState; readonly parent: string }>()

  add(state: BuildState, before: BuildState): void {
    const id = stateId(state)
    if (id !== '' && state.baseId === undefined && !this.#steps.has(id)) {
      this.#steps.set(id, { state, parent: stateId(before) })
    }
  }

  /** The image that a step began with; undefined if that was nothing. */
  parentOf(state: BuildState): string | undefined {
    return this.#steps.get(stateId(state))?.parent || undefined
  }

  /**
   * Makes the images. The last comes first: an image without a name that nothing was made from may be pruned at any moment.
   * One that cannot be made is no failure of the build.
   */
  async keep(store: Pick<ImageStore, 'createImage'>, log: Log): Promise<void> {
    for (const [id, { state }] of [...this.#steps].reverse()) {
      try {
        await store.createImage(this.imageOf(state))
      } catch (error) {
        log.debug({ image: id, error: errorMessage(error) }, 'cannot keep the image of a step')
      }
    }
  }

  imageOf(state: BuildState): Parameters<ImageStore['createImage']>[0] {
    const { layers, config, history, createdMs, author } = state
    const parent = this.parentOf(state)
    const image = { layers, config, history, createdMs, tags: [] }
    return {
      ...image,
      ...(author === undefined ? {} : { author }),
      ...(parent === undefined ? {} : { parent }),
    }
  }
}
