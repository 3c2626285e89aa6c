import type { RescheduledContainer } from '../../../src/core/model/rescheduled.ts'
import type { HeldContainer } from '../../../src/manager/inventory/index.ts'
import { SWARM_ID_LABEL } from '../../../src/manager/inventory/index.ts'
import { POLICY_LABEL } from '../../../src/manager/reschedule/plan-reschedules.ts'

/** A container with the policy; `id` is `<swarm id>@<number>` for brevity. */
export function held(node: string, id: string, more: Partial<HeldContainer> = {}): HeldContainer {
  const [swarmId = ''] = id.split('@')
  return {
    id,
    node,
    name: swarmId,
    labels: { [SWARM_ID_LABEL]: swarmId, [POLICY_LABEL]: '["on-node-failure"]' },
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

export function known(
  node: string,
  containerId: string,
  more: Partial<RescheduledContainer> = {},
): RescheduledContainer {
  const [swarmId = ''] = containerId.split('@')
  return { swarmId, name: swarmId, node, containerId, running: true, request: {}, networks: {}, ...more }
}
