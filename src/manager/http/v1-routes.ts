import { invalidInput, notFound } from '../../core/errors.ts'
import type { ProjectSpec } from '../../core/model/service.ts'
import { keepCopies } from '../docker/images/share-image.ts'
import type { ClusterNodes } from '../docker/nodes.ts'
import type { Manager } from '../manager.ts'
import { projectSummaries, projectView } from '../views.ts'
import { type NodeRoutePorts, nodeRoutes } from './node-routes.ts'
import { openApi } from './openapi.ts'
import { type ApiReply, type ApiRequest, type ApiRoute, isOn } from './route.ts'
import { projectSpecSchema } from './schemas.ts'

const DRY_RUN = { dryRun: 'only say what would be done' }

/** Enough to lose one node. */
const IMAGE_COPIES = 2

/** Shoal's own API; `more` of it is made elsewhere. */
export function v1Routes(ports: NodeRoutePorts, more: readonly ApiRoute[], version: string): ApiRoute[] {
  const { manager, nodes, views } = ports
  const routes: ApiRoute[] = [
    {
      method: 'GET',
      path: '/v1/projects',
      summary: 'All projects, in short',
      handle: async () => fresh(manager, projectSummaries(manager.snapshot())),
    },
    {
      method: 'GET',
      path: '/v1/projects/:name',
      summary: 'A project with its services and tasks',
      handle: async request => fresh(manager, viewOf(manager, request)),
    },
    {
      method: 'GET',
      path: '/v1/projects/:name/tasks',
      summary: 'The tasks of a project',
      handle: async request => fresh(manager, viewOf(manager, request).tasks),
    },
    {
      method: 'PUT',
      path: '/v1/projects/:name',
      summary: 'Makes this the wanted state of a project',
      query: {
        ...DRY_RUN,
        forceRecreate: 'replace every task even if nothing changed',
        recreate: 'names of services, parted by commas, whose tasks are replaced even if nothing changed',
        removeOrphans: 'remove services that the project no longer names',
      },
      body: projectSpecSchema,
      leaderOnly: true,
      handle: request => apply(manager, request),
    },
    {
      method: 'DELETE',
      path: '/v1/projects/:name',
      summary: 'Takes a project down',
      query: { ...DRY_RUN, volumes: 'delete its volumes too' },
      leaderOnly: true,
      handle: async ({ params: { name = '' }, query }) => ({
        json: await manager.remove(name, { volumes: isOn(query['volumes']), dryRun: isOn(query['dryRun']) }),
      }),
    },
    {
      method: 'GET',
      path: '/v1/nodes',
      summary: 'The nodes of the cluster',
      handle: async () => fresh(manager, views()),
    },
    ...nodeRoutes(ports),
    copiesRoute(nodes),
    ...more,
  ]
  const document = openApi(routes, version)
  return [
    ...routes,
    { method: 'GET', path: '/v1/openapi.json', summary: 'This document', handle: async () => ({ json: document }) },
  ]
}

function copiesRoute(nodes: ClusterNodes): ApiRoute {
  return {
    method: 'POST',
    path: '/v1/images/:id/copies',
    summary: 'Sees to it that an image outlives the node that built it',
    handle: async ({ params: { id = '' }, signal }) => ({
      json: { nodes: await keepCopies(id, IMAGE_COPIES, nodes, signal) },
    }),
  }
}

/** A reply that says, in a header, when it is older than it should be because the store does not answer. */
function fresh(manager: Manager, json: unknown): ApiReply {
  const staleMs = Math.round(manager.staleMs())
  return { json, headers: staleMs === 0 ? {} : { 'x-shoal-stale-ms': String(staleMs) } }
}

function viewOf(manager: Manager, { params: { name = '' } }: ApiRequest) {
  const view = projectView(name, manager.snapshot())
  if (view === undefined) throw notFound('NO_SUCH_PROJECT', `No such project: ${name}`)
  return view
}

/** False if nobody is named. */
function namesIn(text = ''): false | readonly string[] {
  const names = text.split(',').filter(name => name !== '')
  return names.length > 0 && names
}

async function apply(manager: Manager, { params: { name = '' }, query, body }: ApiRequest): Promise<ApiReply> {
  const project = body as ProjectSpec
  if (project.name !== name) {
    throw invalidInput('BAD_PROJECT_NAME', `Cannot apply project ${project.name} under the name ${name}: use one name`)
  }
  const json = await manager.apply(project, {
    dryRun: isOn(query['dryRun']),
    forceRecreate: isOn(query['forceRecreate']) || namesIn(query['recreate']),
    removeOrphans: isOn(query['removeOrphans']),
  })
  return { json }
}
