import { unavailable } from '../../core/errors.ts'
import type { ApiRoute } from './route.ts'

/** Nothing is known of the cluster, and somebody asks. */
export function notRead(): Error {
  const what = 'This manager has just started and could not read the cluster from the store yet'
  return unavailable('STORE_UNAVAILABLE', `${what}: check etcd and try again`)
}

/** What is answered without knowing anything of the cluster. */
const UNINFORMED: readonly string[] = ['/_ping', '/version', '/v1/openapi.json']

/** A manager that has just started does not know its nodes yet: what is told from nothing would be taken for all there is. */
export function afterStart(routes: readonly ApiRoute[], begun: () => Promise<void>): ApiRoute[] {
  return routes.map(route => {
    if (route.atOnce === true || UNINFORMED.includes(route.path)) return route
    const handle: ApiRoute['handle'] = async request => {
      await begun()
      return route.handle(request)
    }
    return { ...route, handle }
  })
}
