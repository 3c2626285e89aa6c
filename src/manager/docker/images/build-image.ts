import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { hashOf } from '../../../core/digest.ts'
import { unavailable, unsupported } from '../../../core/errors.ts'
import type { ProgressMessage } from '../../../docker-api/index.ts'
import { Query } from '../../../docker-api/server/index.ts'
import {
  type ClusterContents,
  type FilterName,
  filtersOf,
  placeContainer,
  type Strategy,
} from '../../../scheduler/index.ts'
import type { ApiReply, ApiRequest } from '../../http/route.ts'
import { toContainerRequest } from '../create/container-request.ts'
import { splitExpressions } from '../create/expressions.ts'
import { placedNode } from '../create/placed-node.ts'
import type { ClusterNodes, NodeEngine } from '../nodes.ts'
import { hand, toNode } from '../to-node.ts'
import { progressBroken, tell } from './load-images.ts'
import { shareImage } from './share-image.ts'

export interface BuildPorts {
  readonly nodes: ClusterNodes
  readonly strategy: Strategy
  readonly filters: readonly FilterName[]
  readonly contents: () => ClusterContents
}

/** A message longer than this tells of no image. */
const LINE_CHARS_MAX = 64 * 1024

/**
 * `docker build` over the cluster: on a node that fits the expressions among the build arguments, as classic Swarm takes them
 * (`--build-arg constraint:node==n1`), and afterwards the image is the whole cluster's.
 */
export async function buildOnNode(request: ApiRequest, ports: BuildPorts): Promise<ApiReply> {
  const { nodes } = ports
  const url = new URL(request.originalUrl, 'http://manager')
  const query = new Query(request.originalUrl)
  if (query.text('version') === '2') {
    throw unsupported('NO_BUILDKIT', 'A cluster builds with the classic builder: set DOCKER_BUILDKIT=0')
  }
  await nodes.inventory.settled()
  const { args, expressions } = splitArguments(query.strings('buildargs'))
  const node = chooseNode(query, expressions, ports)
  if (expressions.length > 0) url.searchParams.set('buildargs', JSON.stringify(args))
  const upstream = await toNode(node, `${url.pathname}${url.search}`, nodes)
  const relay = (answer: IncomingMessage, response: ServerResponse): Promise<void> =>
    relayBuild(answer, response, async id => {
      const image = { id, tags: query.all('t'), source: node }
      const say = query.flag('q') ? () => {} : (text: string) => tell(response, { stream: `${text}\n` })
      await shareImage(image, { nodes, signal: request.signal, tell: say })
    })
  return hand(request, { ...upstream, relay, lastWords: progressBroken }, nodes)
}

const EXPRESSION = /^(?:constraint|affinity|whitelist):/

/** What is written for the manager among the arguments of a build. The client took `constraint:node==n1` apart at the first `=`. */
function splitArguments(all: Readonly<Record<string, string>>): {
  readonly args: Readonly<Record<string, string>>
  readonly expressions: readonly string[]
} {
  const isOurs = ([key]: readonly [string, string]): boolean => EXPRESSION.test(key)
  const entries = Object.entries(all)
  return {
    args: Object.fromEntries(entries.filter(entry => !isOurs(entry))),
    expressions: entries.filter(isOurs).map(([key, value]) => `${key}=${value}`),
  }
}

/** Builds of one image go to one node, where its earlier layers are, unless it does not fit. Throws 500, 503. */
function chooseNode(query: Query, expressions: readonly string[], { nodes, contents, ...how }: BuildPorts): NodeEngine {
  const ready = nodes.ready()
  const seed = Number.parseInt(hashOf(query.text('t') ?? '').slice(0, 8), 16)
  const usual = ready[seed % Math.max(1, ready.length)]
  if (usual === undefined) throw unavailable('NO_NODE', 'Cannot build: the cluster has no node that is up')
  const place = (more: readonly string[]) => {
    const { request, written } = splitExpressions({ Env: [...expressions, ...more] })
    const HostConfig = { Memory: query.integer('memory') ?? 0, CpuShares: query.integer('cpushares') ?? 0 }
    const asked = toContainerRequest({ ...request, HostConfig }, written)
    return placeContainer(asked, contents(), { filters: filtersOf(how.filters), strategy: how.strategy })
  }
  const preferred = place([`constraint:node==${usual.name}`])
  const placement = preferred.placed ? preferred : place([])
  return placedNode(placement, nodes).node
}

/** Hands a build's messages on as they come; when it has made an image, `onBuilt` is waited for before the end. */
async function relayBuild(
  answer: IncomingMessage,
  response: ServerResponse,
  onBuilt: (id: string) => Promise<void>,
): Promise<void> {
  let rest = ''
  let id: string | undefined
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (!response.write(chunk)) await once(response, 'drain')
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = (lines.pop() ?? '').slice(-LINE_CHARS_MAX)
    for (const line of lines) id = builtImage(line) ?? id
  }
  id = builtImage(rest) ?? id
  if (id !== undefined) await onBuilt(id)
}

function builtImage(line: string): string | undefined {
  if (!line.includes('"aux"')) return undefined
  try {
    const { aux } = JSON.parse(line) as ProgressMessage
    return typeof aux?.['ID'] === 'string' ? aux['ID'] : undefined
  } catch {
    return undefined
  }
}
