import { conflict, errorCode, ShoalError } from '../../../core/errors.ts'
import type { KeyedLock } from '../../../core/keyed-lock.ts'
import type { PlacementRecord } from '../../../core/model/explanation.ts'
import { PLACEMENT_LABEL, SWARM_ID_LABEL } from '../../../core/model/labels.ts'
import type { RescheduledContainer } from '../../../core/model/rescheduled.ts'
import { newHexId, type Random } from '../../../core/random.ts'
import { type ContainerCreateRequest, type EndpointConfig, wasNeverSent } from '../../../docker-api/index.ts'
import {
  type ContainerRequest,
  type FilterName,
  filtersOf,
  placeContainer,
  type Strategy,
} from '../../../scheduler/index.ts'
import { bringImage } from '../images/bring-image.ts'
import type { ClusterNodes, NodeEngine } from '../nodes.ts'
import { type ClusterVolumes, ensureVolumes, untied, volumeConstraints } from './cluster-mounts.ts'
import { toContainerRequest } from './container-request.ts'
import { splitExpressions } from './expressions.ts'
import { creationFailure, OutcomeUnknown, removeUnwanted, undoWhenLate } from './late-container.ts'
import type { PendingContainer } from './pending-containers.ts'
import { placedNode } from './placed-node.ts'
import type { PlacementState } from './placement-state.ts'
import { seeVolumes } from './see-volumes.ts'

/** Containers that are to outlive their nodes. */
export interface Care {
  /** Takes a container into care that is to outlive its node. Throws 503 `NOT_LEADER`. */
  readonly keep: (record: RescheduledContainer) => Promise<void>
  /** Notes, for containers in care, that one joined a network or left it (null). Throws 503 `NOT_LEADER`. */
  readonly noteNetwork: (
    container: { readonly node: string; readonly id: string },
    network: string,
    endpoint: EndpointConfig | null,
  ) => Promise<void>
}

export interface CreatePorts extends ClusterVolumes {
  readonly nodes: ClusterNodes
  readonly random: Random
  readonly locks: KeyedLock
  readonly state: PlacementState
  readonly strategy: Strategy
  readonly filters: readonly FilterName[]
  /** Throws unless this manager still leads. An engine takes no token, so the store is asked right before it. */
  readonly confirmLead: () => Promise<void>
  readonly keep: Care['keep']
  readonly signal: AbortSignal
}

export interface CreateOptions {
  readonly name: string | undefined
  /** `os/architecture[/variant]` of the image, as the client wrote it. */
  readonly platform: string | undefined
  /** The id that the cluster knows it by; absent: a new one. A client's own would let it pass for another container. */
  readonly swarmId?: string
  /** Told the node before the container is made there; what it throws keeps it from being made. */
  readonly onChosen?: (node: string) => Promise<void>
}

type Created = { readonly Id: string; readonly Warnings: readonly string[] }

export interface PlacedCreation {
  readonly node: NodeEngine
  readonly created: Created
}

/** Nodes that are tried in place of one that nobody can connect to. */
const OTHER_NODES_MAX = 2

/**
 * `docker create` over the cluster: chooses a node as classic Swarm does and creates the container there, pulling the image
 * on that node if it lacks it. A node that cannot be connected to at all is passed over. Throws 409 `NAME_TAKEN`, 500
 * `NO_NODE_FITS`, 400 `BAD_CONSTRAINT`, 409 `VOLUME_AWAY`.
 */
export async function createContainer(
  wanted: ContainerCreateRequest,
  options: CreateOptions,
  ports: CreatePorts,
): Promise<PlacedCreation> {
  const { request, written, isRescheduled } = splitExpressions(wanted)
  const asked = toContainerRequest(request, written)
  const id = options.swarmId ?? newHexId(ports.random)
  const labelled = { ...request, Labels: { ...request.Labels, [SWARM_ID_LABEL]: id } }
  // What others did on the nodes meanwhile; outside the lock, where it holds up nobody.
  await ports.nodes.inventory.settled()
  await seeVolumes(asked, ports)
  const creation = { asked, id, request: labelled, isRescheduled, options }
  const unreached: string[] = []
  let failure: unknown
  for (;;) {
    const chosen = await choose(creation, unreached, ports).catch((error: unknown) => {
      throw errorCode(error) === 'NO_NODE_FITS' ? (failure ?? error) : error
    })
    try {
      return await createAt(chosen, creation, ports)
    } catch (error) {
      // Somebody was faster: what is theirs is known now, and the next choice follows it.
      if (errorCode(error) === 'VOLUME_ELSEWHERE') continue
      // Anything else may have made the container all the same.
      if (!(error instanceof Unreached)) throw error
      failure = error.cause
      unreached.push(chosen.node.name)
      if (unreached.length > OTHER_NODES_MAX || ports.signal.aborted) throw failure
    }
  }
}

interface Creation {
  readonly asked: ContainerRequest
  /** Of the cluster. */
  readonly id: string
  readonly request: ContainerCreateRequest
  readonly isRescheduled: boolean
  readonly options: CreateOptions
}

interface Chosen {
  readonly node: NodeEngine
  readonly placement: PlacementRecord
}

/** Nothing of the request to create has left this host. */
class Unreached extends Error {}

/** The container counts as being on the chosen node until `done` is called. */
async function choose(
  { asked, id, request, options: { name } }: Creation,
  unreached: readonly string[],
  ports: CreatePorts,
): Promise<Chosen & { readonly done: () => void }> {
  const withData = volumeConstraints(asked, ports, ports.nodes.ready())
  const constraints = [...asked.constraints, ...withData, ...unreached.map(node => `node!=${node}`)]
  const elsewhere = { ...asked, constraints }
  // Only the decision is taken one at a time: a node that is slow to pull holds up nobody else.
  return ports.locks.run('place', async () => {
    if (name !== undefined) refuseTaken(name, ports.state, id)
    const chosen = chooseNode(elsewhere, ports)
    const done = ports.state.add(pendingOf(asked, { id, name, node: chosen.node.name, request }))
    return { ...chosen, done }
  })
}

/** Throws {@link Unreached} with the cause, or as the node does. */
async function createAt(
  { node, placement, done }: Chosen & { readonly done: () => void },
  { asked, id, request, isRescheduled, options }: Creation,
  ports: CreatePorts,
): Promise<PlacedCreation> {
  const { platform, swarmId, onChosen } = options
  try {
    const recorded = withPlacement(withNodeShares(request, node), {
      ...placement,
      decidedAtMs: ports.nodes.clock.nowMs(),
    })
    await onChosen?.(node.name)
    const create = async (): Promise<Created> => {
      await ensureVolumes(asked, ports, node)
      return createOn(node, recorded, options, ports)
    }
    const created = await create().catch((cause: unknown) => {
      throw wasNeverSent(cause) ? new Unreached('The node cannot be reached', { cause }) : cause
    })
    await ports.nodes.inventory.refresh(node.name, created.Id)
    if (swarmId === undefined && ports.signal.aborted) {
      // Nobody has heard of it, and nobody would remove it.
      await removeUnwanted(node, created.Id, ports.nodes)
      ports.signal.throwIfAborted()
    }
    await pin(asked, { node, id: created.Id }, ports)
    if (isRescheduled && swarmId === undefined) {
      await keep({ swarmId: id, node, containerId: created.Id, request, platform }, ports)
    }
    done()
    return { node, created }
  } catch (error) {
    // One of a known id is looked for by whoever gave the id.
    if (error instanceof OutcomeUnknown && swarmId === undefined) {
      undoWhenLate({ node, swarmId: id, done }, ports.nodes)
    } else done()
    throw error instanceof OutcomeUnknown ? error.cause : error
  }
}

/** A container without its data is not left to be started: whatever uses the volume later would not find what it writes. */
async function pin(
  asked: ContainerRequest,
  { node, id }: { readonly node: NodeEngine; readonly id: string },
  ports: CreatePorts,
): Promise<void> {
  const names = untied(asked, ports, node)
  if (names.length === 0) return
  try {
    await ports.pinVolumes(names, node.name)
  } catch (error) {
    await removeUnwanted(node, id, ports.nodes)
    throw error
  }
}

/** A container that could not be taken into care is not made at all: it would be lost with its node, against its policy. */
async function keep(
  kept: Pick<RescheduledContainer, 'swarmId' | 'containerId' | 'request'> & {
    readonly node: NodeEngine
    readonly platform: string | undefined
  },
  { keep: take }: Pick<CreatePorts, 'keep'>,
): Promise<void> {
  const { swarmId, containerId, request, platform } = kept
  const { name: node, engine } = kept.node
  try {
    const name = (await engine.containers.inspect(containerId)).Name.slice(1)
    const made = platform === undefined ? {} : { platform }
    await take({ swarmId, name, node, containerId, running: false, request, ...made, left: [] })
  } catch (error) {
    await engine.containers.remove(containerId, { force: true, volumes: true }).catch(() => {})
    throw error
  }
}

function pendingOf(
  { hostPorts, hostModePorts, nanoCpus, memoryBytes }: ContainerRequest,
  {
    id,
    name = '',
    node,
    request,
  }: { id: string; name: string | undefined; node: string; request: ContainerCreateRequest },
): PendingContainer {
  return {
    placed: { id, name, labels: request.Labels ?? {}, hostModePorts },
    reservation: { id, node, hostPorts, nanoCpus, memoryBytes },
  }
}

/**
 * Throws 409 `NAME_TAKEN`, in classic Swarm's words, if a container of the cluster has the name or is about to; but for the one
 * of the given id of the cluster.
 */
export function refuseTaken(name: string, state: PlacementState, swarmId?: string): void {
  if (!state.isTaken(name, swarmId)) return
  throw conflict(
    'NAME_TAKEN',
    `Conflict: The name ${name} is already assigned. You have to delete (or rename) that container to be able to assign ${name} to a container again.`,
  )
}

function chooseNode(asked: ContainerRequest, { nodes, state, strategy, filters }: CreatePorts): Chosen {
  const placement = placeContainer(asked, state.contents(), { filters: filtersOf(filters), strategy })
  const chosen = placedNode(placement, nodes)
  return { node: chosen.node, placement: chosen.placement.record() }
}

/** The record of the decision goes with the container: it needs no store, and lasts as long as it is of use. */
function withPlacement(request: ContainerCreateRequest, placement: PlacementRecord): ContainerCreateRequest {
  return { ...request, Labels: { ...request.Labels, [PLACEMENT_LABEL]: JSON.stringify(placement) } }
}

/** CPU shares mean CPUs to the cluster, and parts of 1024 of all there are to an engine (cluster/swarm/cluster.go). */
function withNodeShares(request: ContainerCreateRequest, { member }: NodeEngine): ContainerCreateRequest {
  const { HostConfig } = request
  const shares = HostConfig?.CpuShares ?? 0
  if (shares <= 0) return request
  return { ...request, HostConfig: { ...HostConfig, CpuShares: Math.ceil((shares * 1_024 * 1e9) / member.nanoCpus) } }
}

async function createOn(
  node: NodeEngine,
  request: ContainerCreateRequest,
  { name, platform }: CreateOptions,
  { nodes, confirmLead, signal }: Pick<CreatePorts, 'nodes' | 'confirmLead' | 'signal'>,
): Promise<Created> {
  const { engine } = node
  const forPlatform = platform === undefined ? {} : { platform }
  const options = { ...(name === undefined ? {} : { name }), ...forPlatform }
  const create = async (): Promise<Created> => {
    await confirmLead()
    signal.throwIfAborted()
    return engine.containers.create(request, options).catch((error: unknown) => {
      throw creationFailure(error)
    })
  }
  try {
    return await create()
  } catch (error) {
    const isMissing = error instanceof ShoalError && error.status === 404 && /image/i.test(error.message)
    if (!isMissing || request.Image === undefined) throw error
    await bringImage(request.Image, node, { nodes, signal, ...forPlatform })
    return create()
  }
}
