import { describe, expect, it } from 'vitest'
import {
  type FilteredImage,
  type ImageFilterFacts,
  imageListFilter,
  imagePruneFilter,
  matchesImageName,
} from '../../src/docker-api/image-filters.ts'

const image = (change: Partial<FilteredImage> = {}): FilteredImage => ({
  tags: ['app:1'],
  digests: [],
  labels: { tier: 'web', empty: '' },
  createdMs: 1_000,
  ...change,
})
const facts: ImageFilterFacts = { nowMs: 100_000, createdMsOf: reference => (reference === 'old' ? 500 : 2_000) }

describe('imageListFilter', () => {
  it.each([
    ['nothing', {}, true],
    ['an empty list', { label: [] }, true],
    ['its label', { label: ['tier'] }, true],
    ['its label and value', { label: ['tier=web', 'empty='] }, true],
    ['another value', { label: ['tier=db'] }, false],
    ['one label of two', { label: ['tier', 'missing'] }, false],
    ['what every object has', { label: ['toString'] }, false],
    ['dangling', { dangling: ['true'] }, false],
    ['not dangling', { dangling: ['0'] }, true],
    ['before a later one', { before: ['new'] }, true],
    ['before an earlier one', { before: ['old'] }, false],
    ['since an earlier one', { since: ['old'] }, true],
    ['since a later one', { since: ['new'] }, false],
    ['until long after it', { until: ['10'] }, true],
    ['until long before now', { until: ['99s'] }, false],
    ['its name', { reference: ['nothing', 'app'] }, true],
    ['another name', { reference: ['nothing'] }, false],
  ])('%s', (_name, filters, passes) => expect(imageListFilter(filters, facts)(image())).toBe(passes))

  it('an image that only a digest names is dangling, and not nameless', () => {
    const named = image({ tags: [], digests: ['app@sha256:1'] })
    expect(imageListFilter({ dangling: ['true'] }, facts)(named)).toBe(true)
    expect(imageListFilter({ dangling: ['false'] }, facts)(named)).toBe(true)
    expect(imageListFilter({ dangling: ['false'] }, facts)(image({ tags: [] }))).toBe(false)
  })

  it.each([
    [{ color: ['red'] }, "invalid filter 'color'"],
    [{ dangling: ['maybe'] }, "invalid filter 'dangling=[maybe]'"],
    [{ dangling: ['true', 'false'] }, "invalid filter 'dangling=[true false]'"],
    [{ until: ['soon'] }, 'failed to parse value as time or duration: "soon"'],
    [{ __proto__x: ['1'] }, "invalid filter '__proto__x'"],
    [{ toString: ['1'] }, "invalid filter 'toString'"],
  ])('refuses %j', (filters, message) => expect(() => imageListFilter(filters, facts)).toThrow(message))
})

describe('imagePruneFilter', () => {
  it.each([
    ['without a word an image with a name', {}, {}, false],
    ['without a word one without', {}, { tags: [] }, true],
    ['all of them', { dangling: ['false'] }, {}, true],
    ['all but those with a label', { dangling: ['false'], 'label!': ['tier'] }, {}, false],
    ['all but those with another label', { dangling: ['false'], 'label!': ['other'] }, {}, true],
    ['all that are old', { dangling: ['false'], until: ['99s'] }, {}, false],
  ])('%s', (_name, filters, change, passes) => {
    expect(imagePruneFilter(filters, facts).passes(image(change))).toBe(passes)
  })

  it('knows other filters than the list', () => {
    expect(() => imagePruneFilter({ reference: ['a'] }, facts)).toThrow("invalid filter 'reference'")
  })
})

describe('matchesImageName', () => {
  it.each([
    ['team/app:1', 'team/*', true],
    ['team/app:1', '*', false],
    ['app:1', 'a[a-p]p', true],
    ['app:1', 'a[^p]p', false],
    ['app:1', 'a\\pp', true],
    ['host:5000/app:1.2', 'host:5000/app:1.?', true],
    ['app@sha256:12', 'app', true],
  ])('%s by %s: %s', (name, pattern, expected) => expect(matchesImageName(name, pattern)).toBe(expected))

  it('takes no longer for patterns made to take long', () => {
    expect(matchesImageName('a'.repeat(2_000), `${'*a'.repeat(300)}b`)).toBe(false)
  })
})
