import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { type Clock, withDeadline } from '../../../core/clock.ts'
import { errorMessage } from '../../../core/errors.ts'
import type { Engine, ProgressMessage } from '../../../docker-api/index.ts'
import type { ApiReply, ApiRequest } from '../../http/route.ts'
import { CHANGE_MS_MAX, chooseNodes, joinFailures, outcomesOf, tookTooLong } from '../broadcast.ts'
import { whileThere } from '../lost-nodes.ts'
import type { ClusterNodes, NodeEngine } from '../nodes.ts'
import { TeeBody } from './tee-body.ts'

/** `docker load` over the cluster: the archive goes to every node while it comes, and each name is told once. */
export function loadEverywhere(request: ApiRequest, nodes: ClusterNodes): ApiReply {
  const { among } = chooseNodes({}, nodes)
  return {
    async answer(response) {
      response.writeHead(200, { 'content-type': 'application/json' })
      const tee = new TeeBody(among.length, nodes.clock)
      const branchOf = new Map(among.map((node, index) => [node.name, tee.branches[index]]))
      const pumping = tee.pump(request.raw).catch((error: unknown) => errorMessage(error))
      const load = async (node: NodeEngine): Promise<readonly string[]> => {
        const archive = branchOf.get(node.name)
        if (archive === undefined) return []
        return whileThere([node], { signal: request.signal, lost: nodes.lost }, signal =>
          loadOn(node.engine, archive, { signal, clock: nodes.clock, uploaded: pumping }),
        )
      }
      const [pumped, { done, failures }] = await Promise.all([pumping, outcomesOf(among, load)])
      await nodes.inventory.refreshImages(among.map(({ name }) => name))
      for (const name of new Set(done.flatMap(({ value }) => value))) {
        await nodes.built?.forget(name)
        tell(response, { stream: `Loaded image${name.startsWith('sha256:') ? ' ID' : ''}: ${name}\n` })
      }
      const message = failures.length > 0 ? joinFailures(failures).message : pumped
      if (message !== undefined) tell(response, { error: message, errorDetail: { message } })
      response.end()
    },
  }
}

interface Loading {
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Resolves when all of the archive has come: only from then on it is the node that is waited for. */
  readonly uploaded: Promise<unknown>
}

async function loadOn(engine: Engine, archive: Readable, { signal, clock, uploaded }: Loading) {
  const end = new AbortController()
  const broken = Promise.withResolvers<never>()
  archive.once('error', broken.reject)
  try {
    const loading = engine.images.load(archive, AbortSignal.any([signal, end.signal]))
    const late = uploaded.then(() => withDeadline(() => loading, CHANGE_MS_MAX, { clock, onTimeout: tookTooLong }))
    return await Promise.race([loading, late, broken.promise])
  } catch (error) {
    end.abort(error)
    throw error
  } finally {
    archive.destroy()
  }
}

export function tell(response: ServerResponse, message: ProgressMessage): void {
  response.write(lineOf(message))
}

/** How a stream of progress ends that a node did not end; the line that it broke off in comes to its end first. */
export function progressBroken(error: Error): string {
  const message = errorMessage(error)
  return `\r\n${lineOf({ error: message, errorDetail: { message } })}`
}

function lineOf(message: ProgressMessage): string {
  return `${JSON.stringify(message)}\r\n`
}
