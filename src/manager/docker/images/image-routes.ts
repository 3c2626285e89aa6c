import { unsupported } from '../../../core/errors.ts'
import { joinReference, splitReference } from '../../../core/image-reference.ts'
import { Query } from '../../../docker-api/server/index.ts'
import type { ApiReply, ApiRequest, ApiRoute } from '../../http/route.ts'
import type { ClusterNodes } from '../nodes.ts'
import { hand, toNode } from '../to-node.ts'
import { loginOnAnyNode, onAnyNode } from './any-node.ts'
import { type BuildPorts, buildOnNode } from './build-image.ts'
import { holderOfAll, imageHolder } from './find-image.ts'
import { pullEverywhere, removeEverywhere, tagEverywhere } from './image-operations.ts'
import { importOnce } from './import-image.ts'
import { listImages } from './list-images.ts'
import { loadEverywhere, progressBroken } from './load-images.ts'
import { pushAllTags } from './push-all-tags.ts'

type Handle = ApiRoute['handle']

/** `/images`, `/build` and what is asked of registries: done by every node, by one that has the image, or by any. */
export function imageRoutes(ports: BuildPorts): ApiRoute[] {
  const { nodes } = ports
  const route = (method: ApiRoute['method'], path: string, summary: string, handle: Handle): ApiRoute => ({
    method,
    path,
    summary,
    // A body is handed on, or read while it comes.
    ...(method === 'GET' ? {} : { raw: true }),
    handle,
  })
  const anyNode: Handle = request => onAnyNode(request, nodes)
  const login: Handle = request => loginOnAnyNode(request, nodes)
  return [
    route('GET', '/images/json', 'All images', async request => ({
      json: await listImages(request, nodes),
    })),
    route('GET', '/images/search', 'What registries have, as any node finds it', anyNode),
    route('GET', '/images/get', 'Images as a tar, from a node that has them all', request => saveAll(request, nodes)),
    route('GET', '/images/viz', 'Nothing', async () => {
      throw unsupported('NO_VIZ', 'Not supported in clustering mode.')
    }),
    route('GET', '/images/*', 'Done by a node that has the image', request => onImage(request, nodes)),
    route('GET', '/distribution/*', 'What a registry has under a name, as any node finds it', anyNode),
    route('POST', '/auth', 'Credentials shown to a registry by any node', login),
    route('POST', '/images/create', 'Pulls an image on every node, or imports one', async request =>
      request.query['fromSrc'] ? importOnce(request, nodes) : pullEverywhere(request, nodes),
    ),
    route('POST', '/images/load', 'Loads images on every node', async request => loadEverywhere(request, nodes)),
    route('POST', '/images/*', 'Tags an image on every node that has it, or has one of them push it', request =>
      (request.params['*'] ?? '').endsWith('/tag') ? tagEverywhere(request, nodes) : onImage(request, nodes),
    ),
    route('DELETE', '/images/*', 'Removes an image from every node', request => removeEverywhere(request, nodes)),
    route('POST', '/build', 'Builds an image on a node, for all of them', request => buildOnNode(request, ports)),
    ...['/session', '/grpc', '/build/cancel'].map(path =>
      route('POST', path, "Docker's other builder, which clients are told not to use", async () => {
        throw unsupported('NO_BUILDKIT', 'A cluster builds with the classic builder: set DOCKER_BUILDKIT=0')
      }),
    ),
  ]
}

async function onImage(request: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const [, path = '', verb = ''] = /^(.*?)(?:\/(json|history|get|push))?$/.exec(request.params['*'] ?? '') ?? []
  const name = verb === 'push' ? joinReference(path, request.query['tag']) : path
  if (verb === 'push' && splitReference(name).tag === undefined) return pushAllTags(name, request, nodes)
  const upstream = await toNode(await imageHolder(name, nodes), request.originalUrl, nodes)
  return hand(request, verb === 'push' ? { ...upstream, lastWords: progressBroken } : upstream, nodes)
}

async function saveAll(request: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  const names = new Query(request.originalUrl).all('names')
  return hand(request, await toNode(await holderOfAll(names, nodes), request.originalUrl, nodes), nodes)
}
