import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import type { NodeDetails, NodeView } from '../../../src/core/model/control-api.ts'
import type { SystemInfo } from '../../../src/docker-api/index.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, lab, startFront } from '../docker/front-lab.ts'
import { memberRecord } from '../support.ts'

function engineWhoseClockShows(time: () => number) {
  const info = async () =>
    ({
      ID: 'x',
      Name: 'n1',
      Containers: 3,
      ContainersRunning: 2,
      Images: 1,
      ServerVersion: '1',
      SystemTime: new Date(time()).toISOString(),
    }) as Partial<SystemInfo> as SystemInfo
  return stubEngine({ info })
}

/** Nobody listens at port 1. */
const dead = (name: string) => memberRecord(name, { apiAddress: '127.0.0.1:1' })

describe('a node, looked at through the manager', () => {
  it('says what its engine says, and by how much its clock is wrong', async () => {
    await addNode(
      'n1',
      engineWhoseClockShows(() => systemClock.nowMs() + 3_600_000),
    )
    const port = await startFront()
    const details = (await get(port, '/v1/nodes/n1')).body as NodeDetails
    expect(details).toMatchObject({
      health: 'healthy',
      placements: [],
      engine: { containers: 3, containersRunning: 2 },
    })
    expect(Math.round((details.engine?.clockSkewMs ?? 0) / 60_000)).toBe(60)
    const { SystemStatus = [] } = (await get(port, '/info')).body as SystemInfo
    expect(SystemStatus.find(([key]) => key.endsWith('Clock'))?.[1]).toMatch(/^\d+\.\d s ahead of the manager's/)
  })

  it('is unhealthy when it does not answer, with the reason', async () => {
    lab.members.push(dead('n9'))
    const port = await startFront()
    expect((await get(port, '/v1/nodes/n9')).body).toMatchObject({
      health: 'unhealthy',
      reason: expect.stringMatching(/ECONNREFUSED|refused|answers/),
    })
    const { SystemStatus = [] } = (await get(port, '/info')).body as SystemInfo
    expect(SystemStatus).toContainEqual(['  └ Status', 'Unhealthy'])
    const [listed] = (await get(port, '/v1/nodes')).body as NodeView[]
    expect(listed).toMatchObject({ name: 'n9', status: 'ready' })
    expect((await get(port, '/v1/nodes/n8')).status).toBe(404)
  })
})
