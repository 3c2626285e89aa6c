import { RESCHEDULE_LABEL, SWARM_ID_LABEL } from '../../../src/core/model/labels.ts'
import type { RescheduledContainer } from '../../../src/core/model/rescheduled.ts'
import type { HeldContainer } from '../../../src/manager/inventory/index.ts'

/** A container of the cluster; `id` is `<swarm id>@<number>` for brevity. */
export function held(node: string, id: string, more: Partial<HeldContainer> = {}): HeldContainer {
  const [swarmId = ''] = id.split('@')
  return {
    id,
    node,
    name: swarmId,
    labels: { [SWARM_ID_LABEL]: swarmId, [RESCHEDULE_LABEL]: '["on-node-failure"]' },
    image: 'app',
    imageId: 'sha256:1',
    createdMs: Number(id.split('@')[1]),
    ports: [],
    networks: [],
    mounts: [],
    networkMode: 'default',
    status: 'running',
    listedStatus: '',
    hostModePorts: [],
    line: '',
    ...more,
  }
}

export function record(
  node: string,
  containerId: string,
  more: Partial<RescheduledContainer> = {},
): RescheduledContainer {
  const [swarmId = ''] = containerId.split('@')
  return { swarmId, name: swarmId, node, containerId, running: true, request: { Image: swarmId }, left: [], ...more }
}
