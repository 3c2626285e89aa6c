import { describe, expect, it } from 'vitest'
import { engineHostConfig, splitMounts } from '../../../../src/cli/commands/compose/one-engine/host-config.ts'

const idOf = (service: string): string => `id-of-${service}`

describe('what one engine does and a cluster does not', () => {
  it('shares the namespaces and volumes of other containers', () => {
    const service = { pid: 'service:db', ipc: 'host', volumes_from: ['db:ro', 'container:old:rw'] }
    expect(engineHostConfig(service, idOf)).toMatchObject({
      PidMode: 'container:id-of-db',
      IpcMode: 'host',
      VolumesFrom: ['id-of-db:ro', 'old:rw'],
    })
  })

  it.each([
    [{}, undefined],
    [{ restart: 'no' }, { Name: 'no' }],
    [{ restart: 'always' }, { Name: 'always' }],
    [{ restart: 'on-failure:3' }, { Name: 'on-failure', MaximumRetryCount: 3 }],
    [
      { deploy: { restart_policy: { condition: 'on-failure', max_attempts: 2 } } },
      { Name: 'on-failure', MaximumRetryCount: 2 },
    ],
    [{ deploy: { restart_policy: { condition: 'any', max_attempts: 2 } } }, { Name: 'always' }],
    [{ restart: 'no', deploy: { restart_policy: { condition: 'any' } } }, { Name: 'no' }],
  ])('restarts as the service says: %j', (service, policy) => {
    expect(engineHostConfig(service, idOf).RestartPolicy).toEqual(policy)
  })

  it('publishes ranges and addresses as they are written', () => {
    const ports = [
      { target: 80, published: '8000-8010', protocol: 'tcp' },
      { target: 80, published: '81', host_ip: '127.0.0.1', protocol: 'tcp' },
      { target: 53, protocol: 'udp' },
    ]
    expect(engineHostConfig({ ports }, idOf).PortBindings).toEqual({
      '80/tcp': [
        { HostIp: '', HostPort: '8000-8010' },
        { HostIp: '127.0.0.1', HostPort: '81' },
      ],
      '53/udp': [{ HostIp: '', HostPort: '' }],
    })
  })

  it('writes mounts in the short form where that says it all', () => {
    const tmpfs = { Type: 'tmpfs', Target: '/t' } as const
    const part = { Type: 'volume', Source: 'v', Target: '/p', VolumeOptions: { Subpath: 'a' } } as const
    const strict = { Type: 'bind', Source: '/h', Target: '/s' } as const
    const shared = { CreateMountpoint: true, Propagation: 'rshared' }
    expect(
      splitMounts([
        { Type: 'bind', Source: '/h', Target: '/c', ReadOnly: true, BindOptions: shared },
        { Type: 'volume', Source: 'data', Target: '/d' },
        { Type: 'volume', Source: 'data', Target: '/n', VolumeOptions: { NoCopy: true } },
        { Type: 'volume', Target: '/anonymous' },
        tmpfs,
        part,
        strict,
      ]),
    ).toEqual({
      binds: ['/h:/c:ro,rshared', 'data:/d:rw', 'data:/n:rw,nocopy'],
      anonymous: ['/anonymous'],
      mounts: [tmpfs, part, strict],
    })
  })
})
