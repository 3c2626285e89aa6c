import { expect, it } from 'vitest'
import { type ContainerInspect, type ContainerSummary, listedDetails } from '../../src/docker-api/index.ts'
import { serve } from './served-engine.ts'

const DESCRIBED = {
  Created: '2023-11-14T22:13:20Z',
  Path: '/bin/app',
  State: {
    Status: 'running',
    Pid: 7,
    StartedAt: '1',
    FinishedAt: '2',
    ExitCode: 0,
    Health: { Status: 'healthy', Log: [] },
  },
  HostConfig: { NetworkMode: 'bridge', NanoCpus: 5, Binds: ['/a:/b'], Memory: 7 },
  Config: { Env: ['PASSWORD=secret'], ExposedPorts: { '80/tcp': {} } },
  NetworkSettings: { Ports: { '80/tcp': null }, Networks: {} },
} as unknown as ContainerInspect

it('are a few parts of a description, and come with a list for those who ask for them', async () => {
  const Details = listedDetails(DESCRIBED)
  const line = { Id: 'aa', Names: ['/web'] } as unknown as ContainerSummary
  const list = async ({ details = false }) => [details ? { ...line, Details } : line]
  const { client, call } = await serve({ containers: { list } })
  expect(await client.containers.list({ all: true, details: true })).toEqual([
    {
      ...line,
      Details: {
        Created: '2023-11-14T22:13:20Z',
        State: { Status: 'running', StartedAt: '1', FinishedAt: '2', ExitCode: 0, Health: { Status: 'healthy' } },
        HostConfig: { NetworkMode: 'bridge', NanoCpus: 5, Memory: 7 },
        Config: { ExposedPorts: { '80/tcp': {} } },
        NetworkSettings: { Ports: { '80/tcp': null } },
      },
    },
  ])
  expect(await client.containers.list({ all: true })).toEqual([line])
  expect(await (await call('/v1.41/containers/json?all=1')).json()).toEqual([line])
})
