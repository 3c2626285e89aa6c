import { invalidInput } from '../../../core/errors.ts'
import type { Filters } from '../../../docker-api/index.ts'
import type { FoundNetwork } from './cluster-networks.ts'

const BUILTIN: readonly string[] = ['bridge', 'host', 'none', 'null']

type Test = (found: FoundNetwork, wanted: string) => boolean

const TESTS: Readonly<Record<string, Test>> = {
  name: ({ network }, wanted) => network.Name.includes(wanted),
  id: ({ network }, wanted) => network.Id.includes(wanted),
  driver: ({ network }, wanted) => network.Driver === wanted,
  scope: ({ network }, wanted) => network.Scope === wanted,
  node: ({ node }, wanted) => node?.name === wanted,
  type: ({ bare }, wanted) => {
    if (wanted !== 'custom' && wanted !== 'builtin') {
      throw invalidInput('BAD_FILTER', `invalid filter: 'type'='${wanted}'`)
    }
    return BUILTIN.includes(bare) === (wanted === 'builtin')
  },
  label: ({ network }, wanted) => {
    const equals = wanted.indexOf('=')
    const value = network.Labels?.[equals < 0 ? wanted : wanted.slice(0, equals)]
    return equals < 0 ? value !== undefined : value === wanted.slice(equals + 1)
  },
}

/** Networks that pass all filters: of one filter any value, of labels each. Throws 400 for a filter there is not. */
export function filterNetworks(networks: readonly FoundNetwork[], filters: Filters): readonly FoundNetwork[] {
  const tests = Object.entries(filters).map(([key, wanted]) => {
    const test = Object.hasOwn(TESTS, key) ? TESTS[key] : undefined
    if (test === undefined) throw invalidInput('BAD_FILTER', `invalid filter '${key}'`)
    return (found: FoundNetwork): boolean =>
      key === 'label' ? wanted.every(text => test(found, text)) : wanted.some(text => test(found, text))
  })
  return networks.filter(network => tests.every(test => test(network)))
}
