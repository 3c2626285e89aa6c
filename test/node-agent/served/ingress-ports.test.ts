import { expect, it } from 'vitest'
import type { ContainerInspect, ContainerSummary } from '../../../src/docker-api/index.ts'
import { withIngressPorts } from '../../../src/node-agent/index.ts'
import { toCreateRequest } from '../../../src/node-agent/tasks/create-request.ts'
import { stubEngine } from '../../support/stub-engine.ts'
import { serviceSpec, taskRecord } from '../../support/tasks.ts'

it('shows the ports that every host answers for a container, while it runs', async () => {
  const ports = [
    { target: 80, published: 8080, protocol: 'tcp', mode: 'ingress' },
    { target: 53, published: 5353, protocol: 'udp', mode: 'ingress' },
    { target: 22, published: 2222, protocol: 'tcp', mode: 'host' },
  ] as const
  const { Labels } = toCreateRequest(taskRecord({ spec: serviceSpec({}, { ports }) }), {
    node: 'n1',
    addresses: new Map(),
  })
  const summary = (State: string) =>
    ({
      Labels,
      State,
      Ports: [
        { PrivatePort: 80, Type: 'tcp' },
        { IP: '0.0.0.0', PrivatePort: 22, PublicPort: 2222, Type: 'tcp' },
      ],
    }) as unknown as ContainerSummary
  const bound = { '22/tcp': [{ HostIp: '0.0.0.0', HostPort: '2222' }], '80/tcp': null }
  const { containers } = withIngressPorts(
    stubEngine({
      containers: {
        list: async () => [summary('running'), summary('exited')],
        inspect: async id =>
          ({
            State: { Running: id === 'up' },
            Config: { Labels },
            NetworkSettings: { Ports: bound },
          }) as unknown as ContainerInspect,
      },
    }),
  )
  const [running, exited] = await containers.list({})
  expect(running?.Ports).toEqual([
    { IP: '0.0.0.0', PrivatePort: 22, PublicPort: 2222, Type: 'tcp' },
    { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { IP: '0.0.0.0', PrivatePort: 53, PublicPort: 5353, Type: 'udp' },
  ])
  expect(exited?.Ports).toHaveLength(2)
  expect((await containers.inspect('up')).NetworkSettings.Ports).toEqual({
    '22/tcp': [{ HostIp: '0.0.0.0', HostPort: '2222' }],
    '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }],
    '53/udp': [{ HostIp: '0.0.0.0', HostPort: '5353' }],
  })
  expect((await containers.inspect('down')).NetworkSettings.Ports).toEqual(bound)
})
