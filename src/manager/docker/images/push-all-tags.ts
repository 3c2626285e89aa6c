import { errorMessage, notFound } from '../../../core/errors.ts'
import type { ImageSummary } from '../../../docker-api/index.ts'
import { registryAuth } from '../../../docker-api/server/index.ts'
import type { ApiReply, ApiRequest } from '../../http/route.ts'
import { whileThere } from '../lost-nodes.ts'
import type { ClusterNodes } from '../nodes.ts'
import { hand, toNode } from '../to-node.ts'
import { imageHolder } from './find-image.ts'
import { familiarName, imagesOfNodes, namesOf } from './known-images.ts'
import { progressBroken, tell } from './load-images.ts'

/**
 * `docker push --all-tags`: every tag that any node has of a repository, from a node that has it. Throws 404 if there is none, in docker's
 * words.
 */
export async function pushAllTags(repository: string, request: ApiRequest, nodes: ClusterNodes): Promise<ApiReply> {
  await nodes.inventory.imagesSettled()
  const tags = tagsOf(
    repository,
    imagesOfNodes(nodes.inventory).flatMap(([, images]) => images),
  )
  if (tags.length === 0) {
    throw notFound('NO_SUCH_IMAGE', `An image does not exist locally with the tag: ${repository}`)
  }
  const holders = await Promise.all(tags.map(tag => imageHolder(tag, nodes)))
  const [first] = holders
  // Then it pushes them at once.
  if (first !== undefined && holders.every(({ name }) => name === first.name)) {
    const upstream = await toNode(first, request.originalUrl, nodes)
    return hand(request, { ...upstream, lastWords: progressBroken }, nodes)
  }
  const auth = registryAuth(request.raw.headers['x-registry-auth'])
  return {
    async answer(response) {
      response.writeHead(200, { 'content-type': 'application/json' })
      const failures: string[] = []
      for (const [index, tag] of tags.entries()) {
        const holder = holders[index]
        if (holder === undefined) continue
        const options = { ...(auth === undefined ? {} : { auth }), onProgress: tell.bind(undefined, response) }
        const push = (signal: AbortSignal): Promise<void> => holder.engine.images.push(tag, options, signal)
        await whileThere([holder], { signal: request.signal, lost: nodes.lost }, push).catch((error: unknown) => {
          failures.push(`${tag}: ${errorMessage(error)}`)
        })
      }
      const message = failures.join('\n')
      if (failures.length > 0) tell(response, { error: message, errorDetail: { message } })
      response.end()
    },
  }
}

function tagsOf(repository: string, images: readonly ImageSummary[]): string[] {
  const beginning = (familiarName(repository) ?? repository).replace(/:latest$/, ':')
  const names = images.flatMap(({ RepoTags }) => namesOf(RepoTags))
  const own = names.filter(name => name.startsWith(beginning) && !name.slice(beginning.length).includes('/'))
  return [...new Set(own)].sort()
}
