import { invalidInput, notFound, unavailable, unsupported } from '../../../core/errors.ts'
import type { HttpApp } from '../http-app.ts'

const NO_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'

/** What only a manager of Docker's swarm mode answers. */
const MANAGER_PATHS = ['/swarm', '/services', '/nodes', '/tasks', '/secrets', '/configs'] as const

/**
 * Docker's swarm mode and plugins, neither of which is in this engine: answered as a Docker Engine answers that is in no
 * swarm and has no plugin, because that is what clients are prepared for.
 */
export function swarmRoutes(app: HttpApp): void {
  for (const path of MANAGER_PATHS) {
    for (const url of [path, `${path}/*`]) {
      app.all(url, () => {
        throw unavailable('NO_SWARM_MANAGER', NO_MANAGER)
      })
    }
  }
  app.post('/swarm/leave', () => {
    throw unavailable('NO_SWARM', 'This node is not part of a swarm')
  })
  for (const verb of ['init', 'join']) {
    app.post(`/swarm/${verb}`, () => {
      throw unsupported(
        'SWARM_MODE_UNSUPPORTED',
        'This engine has no swarm mode: join a cluster with "swarm join" of Shoal instead',
      )
    })
  }
  pluginRoutes(app)
}

function pluginRoutes(app: HttpApp): void {
  app.get('/plugins', () => [])
  app.get('/plugins/privileges', () => {
    throw noPlugins()
  })
  for (const verb of ['pull', 'create']) {
    app.post(`/plugins/${verb}`, () => {
      throw noPlugins()
    })
  }
  app.all<{ readonly Params: { readonly '*': string } }>('/plugins/*', ({ params }) => {
    const name = params['*'].replace(/\/(json|enable|disable|upgrade|push|set)$/, '')
    if (name === '') throw invalidInput('BAD_PLUGIN', 'plugin name cannot be empty')
    throw notFound('NO_SUCH_PLUGIN', `plugin "${name}" not found`)
  })
}

function noPlugins(): Error {
  return unsupported('PLUGINS_UNSUPPORTED', 'This engine has no plugins')
}

/** Docker's builder of its own, which takes over the connection; clients build with the classic one when told so. */
export function buildkitRoutes(app: HttpApp): void {
  for (const path of ['/session', '/grpc']) {
    app.post(path, () => {
      throw unsupported(
        'BUILDKIT_UNSUPPORTED',
        'This engine builds with the classic builder and has no BuildKit: set DOCKER_BUILDKIT=0',
      )
    })
  }
}
