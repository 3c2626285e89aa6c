import { describe, expect, it } from 'vitest'
import type { ContainerInspect } from '../../../src/docker-api/index.ts'
import { creationOf } from '../../../src/manager/reschedule/creation-of.ts'

const ID = `0123456789ab${'c'.repeat(52)}`

function inspected(more: {
  readonly Config?: object
  readonly mode?: string
  readonly shares?: number
  readonly networks?: Readonly<Record<string, object>>
}): ContainerInspect {
  return {
    Id: ID,
    Config: { Image: 'app:1', Cmd: ['run'], ...more.Config },
    HostConfig: { NetworkMode: more.mode ?? 'default', Memory: 5, CpuShares: more.shares ?? 0 },
    NetworkSettings: { Networks: more.networks ?? {} },
  } as unknown as ContainerInspect
}

describe('creationOf', () => {
  it('keeps what was asked for, and leaves a host name that was the id to the engine', () => {
    expect(creationOf(inspected({ Config: { Hostname: ID.slice(0, 12), Labels: { a: 'b' } } }), 4e9)).toEqual({
      request: {
        Image: 'app:1',
        Cmd: ['run'],
        Labels: { a: 'b' },
        HostConfig: { NetworkMode: 'default', Memory: 5, CpuShares: 0 },
      },
      networks: {},
    })
    expect(creationOf(inspected({ Config: { Hostname: 'mine' } }), 4e9).request.Hostname).toBe('mine')
  })

  it('takes one network into the request, and connects the others', () => {
    const networks = {
      front: { Aliases: ['web', ID.slice(0, 12)], IPAddress: '10.1.0.5', IPAMConfig: null, Links: null },
      back: { Aliases: null, IPAddress: '10.2.0.5', IPAMConfig: { IPv4Address: '10.2.0.5' }, DriverOpts: { a: '1' } },
    }
    const { request, networks: others } = creationOf(inspected({ mode: 'front', networks }), 4e9)
    expect(request.NetworkingConfig).toEqual({ EndpointsConfig: { front: { Aliases: ['web'] } } })
    expect(others).toEqual({ back: { IPAMConfig: { IPv4Address: '10.2.0.5' }, DriverOpts: { a: '1' } } })
  })

  it.each(['default', 'bridge', 'host', 'none', 'container:other'])('asks for no endpoint with mode %s', mode => {
    const { request, networks } = creationOf(inspected({ mode, networks: { bridge: {}, host: {}, none: {} } }), 4e9)
    expect([request.NetworkingConfig, networks]).toEqual([undefined, {}])
  })

  it("turns an engine's shares back into the CPUs that were asked for", () => {
    const { request } = creationOf(inspected({ shares: 512 }), 4e9)
    expect(request.HostConfig?.CpuShares).toBe(2)
  })

  it('connects networks that a container on the default bridge was connected to later', () => {
    expect(creationOf(inspected({ mode: 'bridge', networks: { bridge: {}, back: {} } }), 4e9).networks).toEqual({
      back: {},
    })
  })
})
