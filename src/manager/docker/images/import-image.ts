import { errorMessage } from '../../../core/errors.ts'
import { joinReference } from '../../../core/image-reference.ts'
import type { ImportOptions } from '../../../docker-api/index.ts'
import { Query } from '../../../docker-api/server/index.ts'
import type { ApiReply, ApiRequest } from '../../http/route.ts'
import { chooseNodes } from '../broadcast.ts'
import { whileThere } from '../lost-nodes.ts'
import type { ClusterNodes } from '../nodes.ts'
import { tell } from './load-images.ts'
import { shareImage } from './share-image.ts'

/**
 * `docker import` over the cluster: one node makes the image, and the others get a copy. Classic Swarm has every node make
 * one, each with a time, and so an id, of its own.
 */
export function importOnce(request: ApiRequest, nodes: ClusterNodes): ApiReply {
  const { among } = chooseNodes({}, nodes)
  const [source] = among
  const { raw, signal, originalUrl } = request
  const query = new Query(originalUrl)
  const from = query.text('fromSrc') ?? '-'
  const options = readOptions(query)
  return {
    async answer(response) {
      response.writeHead(200, { 'content-type': 'application/json' })
      try {
        if (source === undefined) return
        const id = await whileThere([source], { signal, lost: nodes.lost }, end =>
          source.engine.images.import(from === '-' ? raw : new URL(from), options, end),
        )
        const sharing = { nodes, signal, tell: (status: string) => tell(response, { status }) }
        await shareImage({ id, tags: options.name === undefined ? [] : [options.name], source }, sharing)
        tell(response, { status: id })
      } catch (error) {
        const message = errorMessage(error)
        tell(response, { error: message, errorDetail: { message } })
      } finally {
        response.end()
      }
    },
  }
}

function readOptions(query: Query): ImportOptions {
  const repository = query.text('repo')
  const message = query.text('message')
  const platform = query.text('platform')
  return {
    changes: query.all('changes'),
    ...(repository === undefined ? {} : { name: joinReference(repository, query.text('tag')) }),
    ...(message === undefined ? {} : { message }),
    ...(platform === undefined ? {} : { platform }),
  }
}
