import { invalidInput, type ShoalError } from '../core/errors.ts'
import { labelMatches } from '../core/label-matches.ts'
import { parseMoment } from '../core/moment.ts'
import type { Filters } from './engine.ts'

/** What filters look at. */
export interface FilteredImage {
  /** Familiar names with a tag, and with a digest. */
  readonly tags: readonly string[]
  readonly digests: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly createdMs: number
}

export interface ImageFilterFacts {
  readonly nowMs: number
  /** When the image of a name or id was made. Throws 404 for one that is not here. */
  readonly createdMsOf: (reference: string) => number
}

type Predicate = (image: FilteredImage) => boolean
type FilterRule = (values: readonly string[], facts: ImageFilterFacts) => Predicate

const LIST_RULES: Readonly<Record<string, FilterRule>> = {
  // An image that a digest still names is neither: it has lost its tag, but not its name.
  dangling: values =>
    readFlag('dangling', values)
      ? ({ tags }) => tags.length === 0
      : ({ tags, digests }) => tags.length + digests.length > 0,
  label: values => image => values.every(value => labelMatches(image.labels, value)),
  reference: values => image =>
    values.some(pattern => image.tags.concat(image.digests).some(name => matchesImageName(name, pattern))),
  before: (values, { createdMsOf }) => {
    const limit = Math.min(...values.map(createdMsOf))
    return ({ createdMs }) => createdMs < limit
  },
  since: (values, { createdMsOf }) => {
    const limit = Math.max(...values.map(createdMsOf))
    return ({ createdMs }) => createdMs > limit
  },
  until: (values, { nowMs }) => {
    const limit = Math.min(...values.map(value => parseMoment(value, nowMs)))
    return ({ createdMs }) => createdMs < limit
  },
}

const { label, until, dangling } = LIST_RULES as Record<'label' | 'until' | 'dangling', FilterRule>
const notLabel: FilterRule = values => image => !values.some(value => labelMatches(image.labels, value))
const PRUNE_RULES: Readonly<Record<string, FilterRule>> = { label, until, 'label!': notLabel }

/** The filters of `docker images`. Throws 400 for a filter or a value that Docker does not know. */
export function imageListFilter(filters: Filters, facts: ImageFilterFacts): Predicate {
  return joined(filters, LIST_RULES, facts)
}

/**
 * The filters of `docker image prune`; without `dangling=false` only images without a name pass.
 * Throws 400 for a filter or a value that Docker does not know.
 */
export function imagePruneFilter(
  filters: Filters,
  facts: ImageFilterFacts,
): { readonly passes: Predicate; readonly all: boolean } {
  const { dangling: asked, ...others } = filters
  const all = asked !== undefined && asked.length > 0 && !readFlag('dangling', asked)
  const rest = joined(others, PRUNE_RULES, facts)
  const nameless = dangling(['true'], facts)
  return { all, passes: image => rest(image) && (all || nameless(image)) }
}

function joined(filters: Filters, rules: Readonly<Record<string, FilterRule>>, facts: ImageFilterFacts): Predicate {
  const predicates = Object.entries(filters).map(([key, values]) => {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined
    if (rule === undefined) throw badFilter(key)
    return values.length === 0 ? () => true : rule(values, facts)
  })
  return image => predicates.every(passes => passes(image))
}

function readFlag(key: string, values: readonly string[]): boolean {
  const truths = new Set(values.map(value => FLAGS[value.toLowerCase()]))
  const [truth] = truths
  if (truths.size !== 1 || truth === undefined) throw badFilter(`${key}=[${values.join(' ')}]`)
  return truth
}

const FLAGS: Readonly<Record<string, boolean>> = { '1': true, t: true, true: true, '0': false, f: false, false: false }

function badFilter(what: string): ShoalError {
  return invalidInput('BAD_FILTER', `invalid filter '${what}'`)
}

/** Shell patterns over the familiar name, with or without its tag; `*` and `?` do not cross a slash. */
export function matchesImageName(name: string, pattern: string): boolean {
  const bare = name.replace(/@.*$/, '').replace(/:[^:/]*$/, '')
  return matchesGlob(name, pattern) || matchesGlob(bare, pattern)
}

/** Matches in time proportional to both lengths: patterns come from clients. Classes as in `[a-z]` are read too. */
function matchesGlob(text: string, pattern: string): boolean {
  const tokens = pattern.match(/\[\^?[^\]]+\]|\\.|[^]/gu) ?? []
  let states = closure(new Set([0]), tokens)
  for (const character of text) {
    const next = new Set<number>()
    for (const state of states) {
      const token = tokens[state]
      if (token === '*' && character !== '/') next.add(state)
      else if (token !== undefined && token !== '*' && matchesOne(character, token)) next.add(state + 1)
    }
    states = closure(next, tokens)
  }
  return states.has(tokens.length)
}

/** A star may stand for nothing. */
function closure(states: ReadonlySet<number>, tokens: readonly string[]): ReadonlySet<number> {
  const all = new Set(states)
  for (const state of all) if (tokens[state] === '*') all.add(state + 1)
  return all
}

function matchesOne(character: string, token: string): boolean {
  if (token === '?') return character !== '/'
  if (token.startsWith('\\') && token.length > 1) return token.slice(1) === character
  if (!token.startsWith('[') || token.length < 3) return token === character
  const negated = token.startsWith('[^')
  const ranges = [...token.slice(negated ? 2 : 1, -1).matchAll(/(.)-(.)|(.)/gu)]
  const inside = ranges.some(([, from, to, single]) =>
    single === undefined ? character >= (from ?? '') && character <= (to ?? '') : character === single,
  )
  return inside !== negated && character !== '/'
}
