import type { ServerResponse } from 'node:http'
import { errorMessage } from '../../../core/errors.ts'
import type { ProgressMessage } from '../../../docker-api/index.ts'
import type { ApiReply, ApiRequest } from '../../http/route.ts'
import { chooseNodes, joinFailures, onNodes } from '../broadcast.ts'
import type { ClusterNodes } from '../nodes.ts'
import { TeeBody } from './tee-body.ts'

/** `docker load` over the cluster: the archive goes to every node while it comes, and each name is told once. */
export function loadEverywhere(request: ApiRequest, nodes: ClusterNodes): ApiReply {
  const { among } = chooseNodes({}, nodes)
  return {
    async answer(response) {
      response.writeHead(200, { 'content-type': 'application/json' })
      const tee = new TeeBody(among.length)
      const branchOf = new Map(among.map((node, index) => [node.name, tee.branches[index]]))
      const loading = onNodes(
        among,
        async ({ name, engine }) => {
          const branch = branchOf.get(name)
          if (branch === undefined) return []
          try {
            return await engine.images.load(branch, request.signal)
          } finally {
            branch.destroy()
          }
        },
        nodes,
      )
      const [pumped, { done, failures }] = await Promise.all([
        tee.pump(request.raw).catch((error: unknown) => errorMessage(error)),
        loading,
      ])
      for (const name of new Set(done.flatMap(({ value }) => value))) {
        tell(response, { stream: `Loaded image${name.startsWith('sha256:') ? ' ID' : ''}: ${name}\n` })
      }
      const message = failures.length > 0 ? joinFailures(failures).message : pumped
      if (message !== undefined) tell(response, { error: message, errorDetail: { message } })
      response.end()
    },
  }
}

export function tell(response: ServerResponse, message: ProgressMessage): void {
  response.write(`${JSON.stringify(message)}\r\n`)
}
