import { notFound } from '../../core/errors.ts'
import type { PlacementRecord, WhyAnswer } from '../../core/model/explanation.ts'
import { PLACEMENT_LABEL, taskIdIn } from '../../core/model/labels.ts'
import { type TaskRecord, taskContainerName } from '../../core/model/task.ts'
import type { HostConfig } from '../../docker-api/index.ts'
import {
  type ContainerRequest,
  explainContainer,
  explainTask,
  type FilterName,
  filtersOf,
  reasonOf,
  requestOf,
  type Strategy,
} from '../../scheduler/index.ts'
import { locate } from '../docker/containers/locate.ts'
import { dependenciesOf } from '../docker/create/container-request.ts'
import { readWritten } from '../docker/create/expressions.ts'
import { type PlacementState, reservationId } from '../docker/create/placement-state.ts'
import type { ClusterNodes } from '../docker/nodes.ts'
import type { HeldContainer } from '../inventory/index.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { findTask } from './subject.ts'

export interface WhyPorts {
  readonly snapshot: () => Snapshot
  readonly nodes: ClusterNodes
  readonly state: PlacementState
  readonly strategy: Strategy
  readonly filters: readonly FilterName[]
}

/** Why a container or a task is where it is, or nowhere. Throws 404. */
export async function why(reference: string, ports: WhyPorts): Promise<WhyAnswer> {
  const task = findTask(reference, ports.snapshot())
  if (task !== undefined) return whyTask(task, ports)
  const { node, id } = await locate(reference, ports.nodes)
  const heldNow = (): HeldContainer => {
    const held = ports.nodes.inventory.node(node.name)?.containers.get(id)
    if (held === undefined) throw notFound('NO_SUCH_CONTAINER', `No such container: ${reference}`)
    return held
  }
  const own = findTask(taskIdIn(heldNow().labels) ?? '', ports.snapshot())
  if (own !== undefined) return whyTask(own, ports)
  const { HostConfig } = await node.engine.containers.inspect(id)
  // It may have changed, or gone, while its node was asked.
  return whyContainer(heldNow(), HostConfig, ports)
}

function whyTask(task: TaskRecord, { state, strategy }: WhyPorts): WhyAnswer {
  const { id, node, placement, pendingReasons, spec, serviceId } = task
  return {
    kind: 'task',
    id,
    name: taskContainerName(task),
    image: spec.container.image,
    ...(node === undefined ? {} : { node }),
    ...recorded(placement),
    ...(node !== undefined || pendingReasons === undefined ? {} : { pendingReasons }),
    now: state.without({ id }, ({ view }) => explainTask(requestOf(spec, serviceId), view, strategy)),
  }
}

function whyContainer(held: HeldContainer, host: HostConfig, { state, strategy, filters }: WhyPorts): WhyAnswer {
  const { id, node, name, image, labels } = held
  const placing = { filters: filtersOf(filters), strategy }
  const request = requestOfHeld(held, host)
  return {
    kind: 'container',
    id,
    name,
    image,
    node,
    ...recorded(recordIn(labels[PLACEMENT_LABEL])),
    now: state.without({ id: reservationId(held), container: { node, id } }, contents =>
      explainContainer(request, contents, placing),
    ),
  }
}

function recorded(record: PlacementRecord | undefined): Pick<WhyAnswer, 'record' | 'because'> {
  return record === undefined ? {} : { record, because: reasonOf(record) }
}

/** What it asked for, by what it has. */
function requestOfHeld({ details, labels, networks: held }: HeldContainer, host: HostConfig): ContainerRequest {
  const { nanoCpus = 0, memoryBytes = 0, hostPorts = [], hostModePorts = [] } = details ?? {}
  const networks = held.map(({ name }) => name)
  return {
    nanoCpus,
    memoryBytes,
    hostPorts,
    hostModePorts,
    dependencies: dependenciesOf(host),
    networks,
    ...readWritten(labels),
  }
}

/** Labels are anybody's to write: what is no record is none. */
function recordIn(label: string | undefined): PlacementRecord | undefined {
  if (label === undefined) return undefined
  try {
    const record = JSON.parse(label) as Partial<PlacementRecord> | null
    const isOne = typeof record?.node === 'string' && typeof record.strategy === 'string'
    const hasScores = typeof record?.score?.containers === 'number' && Array.isArray(record.others)
    return isOne && hasScores ? (record as PlacementRecord) : undefined
  } catch {
    return undefined
  }
}
