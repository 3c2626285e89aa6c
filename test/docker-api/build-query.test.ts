import { describe, expect, it } from 'vitest'
import { Query } from '../../src/docker-api/server/request.ts'
import { readBuildOptions } from '../../src/docker-api/server/routes/build-query.ts'

const read = (query: string, headers = {}) => readBuildOptions(new Query(`/build?${query}`), headers)
const json = (value: unknown) => encodeURIComponent(JSON.stringify(value))
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('readBuildOptions', () => {
  it('says what Docker says of a request without parameters', () => {
    expect(read('')).toEqual({
      tags: [],
      dockerfile: 'Dockerfile',
      buildArgs: {},
      labels: {},
      noCache: false,
      pull: false,
      keepContainers: 'failed',
    })
  })

  it('reads all that a client can ask for', () => {
    const query = [
      't=a:1&t=b&dockerfile=D&target=x&nocache=1&pull=true&remote=http://h/c.tar&platform=linux/amd64&rm=1&forcerm=1',
      `buildargs=${json({ A: 'b', C: null })}&labels=${json({ l: '1' })}&cachefrom=${json(['x:1'])}`,
      'memory=1&memswap=-1&cpushares=2&cpuperiod=3&cpuquota=4&cpusetcpus=0&cpusetmems=1&cgroupparent=/p',
      'networkmode=none&extrahosts=a:1.2.3.4&extrahosts=b:host-gateway&shmsize=64',
      `ulimits=${json([{ Name: 'nofile', Soft: 1, Hard: 2 }])}&q=0&squash=0&version=1&session=s&buildid=i&isolation=default`,
    ]
    expect(
      read(query.join('&'), {
        'x-registry-config': base64({ 'r:5000': { username: 'u', password: 'p' } }),
        'x-build-secrets': base64({ token: 'YQ==' }),
      }),
    ).toEqual({
      tags: ['a:1', 'b'],
      dockerfile: 'D',
      target: 'x',
      noCache: true,
      pull: true,
      remote: 'http://h/c.tar',
      platform: 'linux/amd64',
      buildArgs: { A: 'b' },
      labels: { l: '1' },
      cacheFrom: ['x:1'],
      hostConfig: {
        Memory: 1,
        MemorySwap: -1,
        CpuShares: 2,
        CpuPeriod: 3,
        CpuQuota: 4,
        CpusetCpus: '0',
        CpusetMems: '1',
        CgroupParent: '/p',
        NetworkMode: 'none',
        ExtraHosts: ['a:1.2.3.4', 'b:host-gateway'],
        ShmSize: 64,
        Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
      },
      registryAuths: { 'r:5000': { username: 'u', password: 'p' } },
      secrets: { token: 'YQ==' },
    })
  })

  it('leaves out what clients write for nothing', () => {
    expect(read('memory=0&memswap=0&shmsize=0&ulimits=null&cachefrom=null&buildargs={}')).not.toHaveProperty(
      'hostConfig',
    )
  })

  it('keeps the containers that Docker would keep', () => {
    expect([read('rm=0').keepContainers, read('rm=1').keepContainers, read('forcerm=1').keepContainers]).toEqual([
      'always',
      'failed',
      undefined,
    ])
  })

  it.each([
    ['version=2', 501, 'DOCKER_BUILDKIT=0'],
    ['remote=client-session', 501, 'DOCKER_BUILDKIT=0'],
    [`outputs=${json([{ Type: 'local' }])}`, 501, 'DOCKER_BUILDKIT=0'],
    ['version=3', 400, 'invalid version "3"'],
    ['squash=1', 400, 'squash is only supported with experimental mode'],
    ['securityopt=seccomp', 400, 'securityopt'],
    ['isolation=hyperv', 400, 'Unsupported isolation: "hyperv"'],
    ['memory=lots', 400, 'Bad parameter memory'],
    ['buildargs=[]', 400, 'Bad parameter buildargs: expected a JSON object'],
    ['cachefrom={}', 400, 'Bad parameter cachefrom: expected a JSON list'],
    ['ulimits=x', 400, 'Bad parameter ulimits: expected JSON'],
  ])('%s is refused by name', (query, status, message) => {
    expect(() => read(query)).toThrow(expect.objectContaining({ status, message: expect.stringContaining(message) }))
  })

  it('refuses credentials that nobody can read', () => {
    expect(() => read('', { 'x-registry-config': '%%' })).toThrow('Cannot read the X-Registry-Config header')
  })
})
