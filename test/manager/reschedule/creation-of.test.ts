import { describe, expect, it } from 'vitest'
import type { ContainerInspect } from '../../../src/docker-api/index.ts'
import { creationOf } from '../../../src/manager/reschedule/creation-of.ts'

const ID = `0123456789ab${'c'.repeat(52)}`

function inspected(more: {
  readonly Config?: object
  readonly mode?: string
  readonly networks?: Readonly<Record<string, object>>
}): ContainerInspect {
  return {
    Id: ID,
    Config: { Image: 'app:1', Cmd: ['run'], ...more.Config },
    HostConfig: { NetworkMode: more.mode ?? 'default', Memory: 5 },
    NetworkSettings: { Networks: more.networks ?? {} },
  } as unknown as ContainerInspect
}

describe('creationOf', () => {
  it('keeps what was asked for, and leaves a host name that was the id to the engine', () => {
    expect(creationOf(inspected({ Config: { Hostname: ID.slice(0, 12), Labels: { a: 'b' } } }))).toEqual({
      request: { Image: 'app:1', Cmd: ['run'], Labels: { a: 'b' }, HostConfig: { NetworkMode: 'default', Memory: 5 } },
      networks: {},
    })
    expect(creationOf(inspected({ Config: { Hostname: 'mine' } })).request.Hostname).toBe('mine')
  })

  it('takes one network into the request, and connects the others', () => {
    const networks = {
      front: { Aliases: ['web', ID.slice(0, 12)], IPAddress: '10.1.0.5', IPAMConfig: null, Links: null },
      back: { Aliases: null, IPAddress: '10.2.0.5', IPAMConfig: { IPv4Address: '10.2.0.5' }, DriverOpts: { a: '1' } },
    }
    const { request, networks: others } = creationOf(inspected({ mode: 'front', networks }))
    expect(request.NetworkingConfig).toEqual({ EndpointsConfig: { front: { Aliases: ['web'] } } })
    expect(others).toEqual({ back: { IPAMConfig: { IPv4Address: '10.2.0.5' }, DriverOpts: { a: '1' } } })
  })

  it.each(['default', 'bridge', 'host', 'none', 'container:other'])('asks for no endpoint with mode %s', mode => {
    const { request, networks } = creationOf(inspected({ mode, networks: { bridge: {}, host: {}, none: {} } }))
    expect([request.NetworkingConfig, networks]).toEqual([undefined, {}])
  })

  it('connects networks that a container on the default bridge was connected to later', () => {
    expect(creationOf(inspected({ mode: 'bridge', networks: { bridge: {}, back: {} } })).networks).toEqual({ back: {} })
  })
})
