import { authHeader, filterQuery, type ImageSearchResult } from '../../../docker-api/index.ts'
import { withEngine } from '../../engine/engine-api.ts'
import { readFilters } from '../../engine/filters.ts'
import { printListing } from '../../engine/listing.ts'
import { loginFor } from '../../engine/registry-login.ts'
import { ellipsis } from '../../output/shorten.ts'
import { readArgument } from '../../usage.ts'
import { wholeNumber } from '../container/create/read-values.ts'

const DESCRIPTION_CHARS = 45

/** `shoal search [REGISTRY/]TERM`: what a registry has of that name. */
export const runSearch = withEngine(async command => {
  const { api, args, options, context } = command
  const [term = ''] = args
  const limit = options.text('limit')
  const query = {
    term,
    limit: limit === undefined ? undefined : readArgument('--limit', limit, wholeNumber),
    filters: filterQuery(readFilters(options.list('filter'))),
  }
  const login = await loginFor(term, context.env).catch(() => undefined)
  const found = await api.ask<readonly ImageSearchResult[] | null>('GET', '/images/search', {
    query,
    headers: authHeader(login ?? {}),
  })
  const trunc = options.choice('trunc') !== false
  const rows = (found ?? [])
    .toSorted((a, b) => b.star_count - a.star_count)
    .map(({ name, description, star_count, is_official }) => {
      const text = description.replaceAll(/[\n\r]/g, ' ')
      return {
        Name: name,
        Description: trunc ? ellipsis(text, DESCRIPTION_CHARS) : text,
        StarCount: String(star_count),
        IsOfficial: is_official ? '[OK]' : '',
        IsAutomated: '',
      }
    })
  printListing(command, rows, {
    id: 'Name',
    fields: ['Name', 'Description', 'StarCount', 'IsOfficial'],
    titles: { StarCount: 'STARS', IsOfficial: 'OFFICIAL', IsAutomated: 'AUTOMATED' },
  })
})
