import { describe, expect, it } from 'vitest'
import { toCreateRequest } from '../../src/node-agent/tasks/create-request.ts'
import { fillTemplates } from '../../src/node-agent/tasks/templates.ts'
import { serviceSpec, taskRecord } from '../support/tasks.ts'

const CLAIMED = new Map([['shop_default', { address: '10.1.0.5', mac: '02:42:0a:01:00:05' }]])

function request(spec = serviceSpec(), addresses = CLAIMED) {
  return toCreateRequest(taskRecord({ spec }), { node: 'n1', addresses })
}

describe('toCreateRequest', () => {
  it('names the container in compose’s labels and ours', () => {
    expect(request(serviceSpec({ labels: { tier: 'front', on: '{{.Node.Hostname}}' } })).Labels).toEqual({
      tier: 'front',
      on: 'n1',
      'com.docker.compose.project': 'shop',
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': '1',
      'com.docker.compose.config-hash': 'h1',
      'com.docker.compose.oneoff': 'False',
      'shoal.task.id': 't1',
      'shoal.service.id': 'shop.web',
      'shoal.fencing-token': '1',
    })
  })

  it('joins a network that spans hosts with the claimed address, and leaves names to the cluster', () => {
    const made = request()
    expect(made.HostConfig?.NetworkMode).toBe('shop_default')
    expect(made.NetworkingConfig).toEqual({
      EndpointsConfig: {
        shop_default: { IPAMConfig: { IPv4Address: '10.1.0.5' }, MacAddress: '02:42:0a:01:00:05' },
      },
    })
  })

  it('lets the engine name the service on a network of the node', () => {
    const spec = serviceSpec({}, { networks: [{ network: 'shop_default', aliases: ['www'] }] })
    expect(request(spec, new Map()).NetworkingConfig).toEqual({
      EndpointsConfig: { shop_default: { Aliases: ['web', 'www'] } },
    })
  })

  it('binds host ports only; ingress ports are answered by the overlay', () => {
    const made = request(
      serviceSpec(
        {},
        {
          ports: [
            { target: 80, published: 8080, protocol: 'tcp', mode: 'ingress' },
            { target: 53, published: 5353, protocol: 'udp', mode: 'host', hostIp: '127.0.0.1' },
            { target: 9000, protocol: 'tcp', mode: 'host' },
          ],
        },
      ),
    )
    expect(made.ExposedPorts).toEqual({ '80/tcp': {}, '53/udp': {}, '9000/tcp': {} })
    expect(made.HostConfig?.PortBindings).toEqual({
      '53/udp': [{ HostIp: '127.0.0.1', HostPort: '5353' }],
      '9000/tcp': [{ HostPort: '' }],
    })
  })

  it.each([
    [{ condition: 'none' }, { Name: 'no' }],
    [{ condition: 'any' }, { Name: 'unless-stopped' }],
    [{ condition: 'on-failure' }, { Name: 'on-failure', MaximumRetryCount: 0 }],
    [
      { condition: 'on-failure', maxAttempts: 3 },
      { Name: 'on-failure', MaximumRetryCount: 3 },
    ],
  ] as const)('restarts as %j', (restart, policy) => {
    expect(request(serviceSpec({}, { restart })).HostConfig?.RestartPolicy).toEqual(policy)
  })

  it('limits memory, processors and processes', () => {
    const made = request(
      serviceSpec(
        {},
        {
          limits: { memoryBytes: 64 << 20, nanoCpus: 5e8, pids: 50 },
          reservations: { memoryBytes: 32 << 20 },
        },
      ),
    )
    expect(made.HostConfig).toMatchObject({
      Memory: 64 << 20,
      MemoryReservation: 32 << 20,
      NanoCpus: 5e8,
      PidsLimit: 50,
    })
  })

  it('gives health checks in nanoseconds and the grace in whole seconds', () => {
    const healthcheck = { test: ['CMD', 'true'], intervalMs: 500, timeoutMs: 1_000, startPeriodMs: 0.5, retries: 2 }
    const made = request(serviceSpec({ healthcheck, stopGraceMs: 1_500 }))
    expect(made.Healthcheck).toEqual({
      Test: ['CMD', 'true'],
      Interval: 500_000_000,
      Timeout: 1_000_000_000,
      StartPeriod: 500_000,
      Retries: 2,
    })
    expect(made.StopTimeout).toBe(2)
  })

  it('mounts volumes, binds and tmpfs', () => {
    const made = request(
      serviceSpec({
        mounts: [
          { type: 'volume', source: 'shop_data', target: '/data' },
          { type: 'bind', source: '/etc/shop', target: '/etc/shop', readOnly: true },
          { type: 'tmpfs', target: '/run', sizeBytes: 1024 },
        ],
      }),
    )
    expect(made.HostConfig?.Mounts).toEqual([
      { Type: 'volume', Source: 'shop_data', Target: '/data' },
      { Type: 'bind', Source: '/etc/shop', Target: '/etc/shop', ReadOnly: true },
      { Type: 'tmpfs', Target: '/run', TmpfsOptions: { SizeBytes: 1024 } },
    ])
  })

  it('keeps out of networks with network mode host', () => {
    const made = request(serviceSpec({ networkMode: 'host' }), new Map())
    expect(made.HostConfig?.NetworkMode).toBe('host')
    expect(made.NetworkingConfig).toBeUndefined()
  })

  it('writes nothing that was not asked for', () => {
    expect(Object.keys(request())).toEqual(['Image', 'HostConfig', 'Labels', 'NetworkingConfig'])
    expect(Object.keys(request().HostConfig ?? {})).toEqual(['NetworkMode', 'RestartPolicy'])
  })
})

describe('fillTemplates', () => {
  it.each([
    ['{{.Node.Hostname}}/{{ .Service.Name }}', 'n1/web'],
    ['{{.Task.Name}} {{.Task.Slot}}', 'shop-web-1 1'],
    ['{{.Other}} {{ range }} { } plain', '{{.Other}} {{ range }} { } plain'],
  ])('fills %s', (text, filled) => {
    expect(fillTemplates(text, taskRecord(), 'n1')).toBe(filled)
  })
})
