import type { ImageOperations } from '../engine.ts'
import type { DistributionInspect, ImageSearchResult, LoginAnswer } from '../image-types.ts'
import { authHeader, filterQuery } from './query.ts'
import type { Transport } from './transport.ts'

/** The path of a call on an image; slashes of its name stay slashes. */
export function imagePath(reference: string, verb = '', family = 'images'): string {
  return `/${family}/${reference.split('/').map(encodeURIComponent).join('/')}${verb}`
}

/** What an engine asks of registries without bringing an image in. */
export function registryOperations(transport: Transport): Pick<ImageOperations, 'search' | 'distribution' | 'login'> {
  return {
    search: async (term, { auth, limit, filters }, signal) => {
      const query = { term, limit, filters: filterQuery(filters) }
      const call = { method: 'GET', path: '/images/search', query, headers: authHeader(auth), signal }
      return (await transport.json(call)) as ImageSearchResult[]
    },
    distribution: async (reference, { auth }, signal) => {
      const path = imagePath(reference, '/json', 'distribution')
      return (await transport.json({ method: 'GET', path, headers: authHeader(auth), signal })) as DistributionInspect
    },
    login: async (auth, signal) => {
      const answer = await transport.json({ method: 'POST', path: '/auth', body: auth, signal })
      return answer as LoginAnswer
    },
  }
}
