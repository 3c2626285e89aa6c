import { describe, expect, it } from 'vitest'
import {
  planRemoval,
  type RemovalRequest,
  type RemovalState,
} from '../../../src/runtime/images/listing/plan-removal.ts'

const ID = `sha256:${'a'.repeat(64)}`
const DIGEST = `h:1/app@sha256:${'b'.repeat(64)}`
const stopped = { containerId: 'c0ffee0123456789', running: false }
const running = { containerId: 'beef000123456789', running: true }

function plan(request: Partial<RemovalRequest>, state: Partial<RemovalState>) {
  return planRemoval(
    { id: ID, named: undefined, text: 'app', force: false, ...request },
    { tags: [], digests: [], users: [], hasChildren: false, ...state },
  )
}

describe('removing by name', () => {
  it.each([
    ['one of several tags goes alone', 'h:1/app:1', { tags: ['h:1/app:1', 'h:1/app:2'], digests: [DIGEST] }, []],
    ['the last tag takes its digests along', 'h:1/app:1', { tags: ['h:1/app:1'], digests: [DIGEST] }, [DIGEST]],
    ['digests of other repositories stay', 'x/app:1', { tags: ['x/app:1'], digests: [DIGEST] }, []],
    ['a digest goes alone', DIGEST, { tags: ['h:1/app:1'], digests: [DIGEST] }, []],
    ['the last digest takes the image', DIGEST, { tags: [], digests: [DIGEST] }, []],
  ])('%s', (_name, named, state, others) => {
    const erase = 1 + others.length === state.tags.length + state.digests.length
    expect(plan({ named }, state)).toEqual({ untag: [named, ...others], erase })
  })

  it('keeps the last name while a container needs it', () => {
    const state = { tags: ['h:1/app:1'], digests: [DIGEST], users: [stopped] }
    expect(() => plan({ named: 'h:1/app:1', text: 'h:1/app' }, state)).toThrow(
      'conflict: unable to remove repository reference "h:1/app" (must force) - container c0ffee012345 is using its referenced image aaaaaaaaaaaa',
    )
    expect(plan({ named: 'h:1/app:1', force: true }, state)).toEqual({ untag: ['h:1/app:1', DIGEST], erase: true })
  })

  it('takes a forced name from an image that runs, and leaves the image', () => {
    const state = { tags: ['app:1'], users: [running] }
    expect(plan({ named: 'app:1', force: true }, state)).toEqual({ untag: ['app:1'], erase: false })
  })

  it('takes one of two names from an image that is used', () => {
    const state = { tags: ['one:1', 'two:1'], users: [running] }
    expect(plan({ named: 'one:1' }, state)).toEqual({ untag: ['one:1'], erase: false })
  })
})

describe('removing by id', () => {
  it('takes the names of one repository along', () => {
    const state = { tags: ['h:1/app:1'], digests: [DIGEST] }
    expect(plan({}, state)).toEqual({ untag: ['h:1/app:1', DIGEST], erase: true })
    expect(plan({}, {})).toEqual({ untag: [], erase: true })
  })

  it.each([
    [
      'several tags',
      { tags: ['h:1/app:1', 'h:1/app:2'] },
      '(must be forced) - image is referenced in multiple repositories',
    ],
    [
      'several repositories',
      { tags: ['one:1'], digests: [DIGEST] },
      '(must be forced) - image is referenced in multiple repositories',
    ],
    [
      'a stopped container',
      { users: [stopped] },
      '(must be forced) - image is being used by stopped container c0ffee012345',
    ],
  ])('asks for force with %s', (_name, state, why) => {
    expect(() => plan({}, state)).toThrow(`conflict: unable to delete aaaaaaaaaaaa ${why}`)
    expect(plan({ force: true }, state).erase).toBe(true)
  })

  it('never takes an image from a running container', () => {
    for (const force of [false, true]) {
      expect(() => plan({ force }, { users: [stopped, running] })).toThrow(
        '(cannot be forced) - image is being used by running container beef00012345',
      )
    }
  })
})
