import { describe, expect, it } from 'vitest'
import { parseImageReference } from '../../../src/core/image-reference.ts'
import { parseChallenge } from '../../../src/runtime/images/registry/challenge.ts'
import { endpointsOf, isInsecure } from '../../../src/runtime/images/registry/endpoints.ts'

describe('endpointsOf', () => {
  const urls = (
    name: string,
    options: Partial<Parameters<typeof endpointsOf>[1]> = {},
    purpose: 'pull' | 'push' = 'pull',
  ) =>
    endpointsOf(parseImageReference(name), { insecureRegistries: [], registryMirrors: [], ...options }, purpose).map(
      ({ ways }) => ways.map(way => `${way.url}${way.anyCertificate ? ' any certificate' : ''}`),
    )

  it.each([
    ['redis', [['https://registry-1.docker.io']]],
    ['ghcr.io/a/b', [['https://ghcr.io']]],
    ['localhost:5000/a', [['https://localhost:5000 any certificate', 'http://localhost:5000']]],
    ['127.0.0.1:5000/a', [['https://127.0.0.1:5000 any certificate', 'http://127.0.0.1:5000']]],
    ['10.1.2.3:5000/a', [['https://10.1.2.3:5000']]],
  ])('%s', (name, expected) => expect(urls(name)).toEqual(expected))

  it('asks mirrors first, for docker.io, for reading', () => {
    const registryMirrors = ['http://mirror:5000/', 'https://other']
    expect(urls('redis', { registryMirrors })).toEqual([
      ['http://mirror:5000'],
      ['https://other'],
      ['https://registry-1.docker.io'],
    ])
    expect(urls('ghcr.io/a', { registryMirrors })).toEqual([['https://ghcr.io']])
    expect(urls('redis', { registryMirrors }, 'push')).toEqual([['https://registry-1.docker.io']])
  })
})

describe('isInsecure', () => {
  it.each([
    ['127.8.9.1', [], true],
    ['[::1]:5000', [], true],
    ['host:5000', ['host:5000'], true],
    ['host:5000', ['host'], true],
    ['host:5001', ['host:5000'], false],
    ['10.1.2.3:5000', ['10.1.0.0/16'], true],
    ['10.2.2.3:5000', ['10.1.0.0/16'], false],
    ['docker.io', [], false],
  ])('%s with %j: %s', (host, list, expected) => expect(isInsecure(host, list)).toBe(expected))
})

describe('parseChallenge', () => {
  it.each([
    ['Basic realm="x"', { scheme: 'basic' }],
    [
      'Bearer realm="https://auth/token",service="reg",scope="repository:a/b:pull,push"',
      { scheme: 'bearer', realm: 'https://auth/token', service: 'reg', scope: 'repository:a/b:pull,push' },
    ],
    ['bearer realm=https://a , service="q\\"q"', { scheme: 'bearer', realm: 'https://a', service: 'q"q' }],
    ['Bearer service="x"', undefined],
    ['Negotiate', undefined],
    [undefined, undefined],
  ])('%s', (header, expected) => expect(parseChallenge(header)).toEqual(expected))
})
