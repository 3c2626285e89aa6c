import { conflict, failed, invalidInput, ShoalError, unsupported } from '../../core/errors.ts'
import type { KeyedLock } from '../../core/keyed-lock.ts'
import { newShortId, type Random } from '../../core/random.ts'
import type { ContainerCreateRequest, ContainerSummary } from '../../docker-api/index.ts'
import {
  type ClusterView,
  type HostPort,
  type PlacementRequest,
  parseConstraint,
  place,
  reasonLines,
  type Strategy,
} from '../../scheduler/index.ts'
import { askAll, type ClusterNodes, type NodeEngine } from './nodes.ts'

export interface CreatePorts {
  readonly nodes: ClusterNodes
  readonly random: Random
  readonly locks: KeyedLock
  /** Nodes and what tasks take up on them, made anew for each call. */
  readonly view: () => ClusterView
  readonly strategy: Strategy
  readonly signal: AbortSignal
}

type Created = { readonly Id: string; readonly Warnings: readonly string[] }

const CONSTRAINT_LABEL = 'com.docker.swarm.constraints'
const TASK_LABEL = 'shoal.task.id'

/**
 * `docker create` over the cluster: chooses a node as classic Swarm does and creates the container there, pulling the image
 * on that node if it lacks it. Throws 409 `NAME_TAKEN`, 500 `NO_NODE_FITS`.
 */
export async function createContainer(
  wanted: ContainerCreateRequest,
  name: string | undefined,
  ports: CreatePorts,
): Promise<Created> {
  const request = withoutExpressions(wanted)
  const constraints = constraintsOf(wanted)
  return ports.locks.run(name ?? newShortId(ports.random), async () => {
    const existing = await askAll(ports.nodes, engine => engine.containers.list({ all: true }))
    const taken = existing.some(({ value }) =>
      value.some(({ Names }) => name !== undefined && Names.includes(`/${name}`)),
    )
    if (taken) {
      throw conflict(
        'NAME_TAKEN',
        `Conflict: The name ${name} is already assigned. You have to delete (or rename) that container to be able to assign ${name} to a container again.`,
      )
    }
    const view = ports.view()
    for (const { node, value } of existing) for (const container of value) reserve(view, node.name, container)
    const decision = place(placementOf(request, constraints), view, ports.strategy)
    const node = decision.placed ? ports.nodes.ready().find(each => each.name === decision.node) : undefined
    if (node === undefined) {
      const reasons = decision.placed ? [] : reasonLines(decision.refusals)
      throw failed(
        'NO_NODE_FITS',
        `Unable to find a node that satisfies the following conditions: ${reasons.join('; ')}`,
      )
    }
    return createOn(node, request, { name, signal: ports.signal })
  })
}

async function createOn(
  { engine }: NodeEngine,
  request: ContainerCreateRequest,
  { name, signal }: { readonly name: string | undefined; readonly signal: AbortSignal },
): Promise<Created> {
  const options = name === undefined ? {} : { name }
  try {
    return await engine.containers.create(request, options)
  } catch (error) {
    const isMissing = error instanceof ShoalError && error.status === 404 && /image/i.test(error.message)
    if (!isMissing || request.Image === undefined) throw error
    await engine.images.pull(request.Image, {}, signal)
    return engine.containers.create(request, options)
  }
}

/** A container that no task accounts for. */
function reserve(view: ClusterView, node: string, { Id, Labels, Ports }: ContainerSummary): void {
  if (Labels?.[TASK_LABEL] !== undefined) return
  const hostPorts = (Ports ?? []).flatMap(({ PublicPort, Type, IP }): HostPort[] =>
    PublicPort === undefined
      ? []
      : [{ published: PublicPort, protocol: Type, ...(IP === undefined ? {} : { hostIp: IP }) }],
  )
  view.reserve({ id: Id, node, nanoCpus: 0, memoryBytes: 0, hostPorts })
}

function placementOf(request: ContainerCreateRequest, constraints: readonly string[]): PlacementRequest {
  const HostConfig = request.HostConfig ?? {}
  const hostPorts = Object.entries(HostConfig.PortBindings ?? {}).flatMap(([key, bindings]) =>
    (bindings ?? []).flatMap(({ HostPort, HostIp }): HostPort[] => {
      const published = Number(HostPort)
      if (!(published > 0)) return []
      const protocol = key.endsWith('/udp') ? 'udp' : 'tcp'
      return [{ published, protocol, ...(HostIp === undefined ? {} : { hostIp: HostIp }) }]
    }),
  )
  return {
    // Classic Swarm: CPU shares are a number of CPUs.
    nanoCpus: HostConfig.NanoCpus || (HostConfig.CpuShares ?? 0) * 1e9,
    memoryBytes: HostConfig.Memory ?? 0,
    constraints,
    hostPorts,
    volumes: [],
  }
}

function constraintsOf(request: ContainerCreateRequest): string[] {
  // Docker's own client writes null for an empty list.
  const Env = request.Env ?? []
  const affinity = Env.find(text => text.startsWith('affinity:'))
  if (affinity !== undefined) {
    throw unsupported('NO_AFFINITY', `Cannot use ${affinity}: affinities are not supported; use a constraint`)
  }
  const written = readExpressions(request.Labels?.[CONSTRAINT_LABEL] ?? '[]')
  const expressions = [...written, ...Env.flatMap(text => /^constraint:(.*)$/.exec(text)?.[1] ?? [])]
  for (const expression of expressions) parseConstraint(expression)
  return expressions
}

function readExpressions(text: string): string[] {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value)) return value.map(String)
  } catch {
    // Said below, as for a value of another type.
  }
  throw invalidInput(
    'BAD_CONSTRAINT',
    `Cannot read label ${CONSTRAINT_LABEL}: expected a JSON list such as ["disk==ssd"]`,
  )
}

/** Expressions are for the manager; the container keeps them as a label, as classic Swarm's does. */
function withoutExpressions(request: ContainerCreateRequest): ContainerCreateRequest {
  const constraints = constraintsOf(request)
  if (constraints.length === 0) return request
  const Env = (request.Env ?? []).filter(text => !text.startsWith('constraint:'))
  return { ...request, Env, Labels: { ...request.Labels, [CONSTRAINT_LABEL]: JSON.stringify(constraints) } }
}
