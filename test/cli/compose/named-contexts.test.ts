import { describe, expect, it } from 'vitest'
import { namedContexts, withStages } from '../../../src/cli/commands/compose/spec/named-contexts.ts'
import { messageOf } from '../../compose/load.ts'

const read = (contexts: object) => namedContexts('shop-web', { additional_contexts: contexts })

describe('contexts besides its own', () => {
  it('are directories, services and images', () => {
    expect(read({ a: '/srv/a', b: 'service:base', c: 'docker-image://alpine:3' })).toEqual([
      { name: 'a', from: 'directory', directory: '/srv/a' },
      { name: 'b', from: 'service', service: 'base' },
      { name: 'c', from: 'image', image: 'alpine:3' },
    ])
  })

  it.each([
    [{ a: 'https://example.org/a.git' }, 'build.additional_contexts.a: https://example.org/a.git is not supported'],
    [{ a: 'git@example.org:a' }, 'only directories of this machine, docker-image://NAME and service:NAME are'],
    [{ a: 'oci-layout://./here' }, 'clone or fetch it first'],
    [{ 'alpine:3': 'docker-image://busybox' }, 'call it as a stage may be called'],
  ])('are refused by name: %j', (contexts, why) => {
    expect(messageOf(() => read(contexts))).toContain(why)
  })
})

describe('a Dockerfile with contexts', () => {
  const stages = [
    { name: 'base', image: 'sha256:1' },
    { name: 'files', image: 'alpine' },
  ]
  it('has them as stages, after what is said before all stages', () => {
    const dockerfile = '# syntax=docker/dockerfile:1\nARG TAG=1\nfrom base\nCOPY --from=files /a /a\n'
    expect(withStages(dockerfile, stages, 'shop-web')).toBe(
      '# syntax=docker/dockerfile:1\nARG TAG=1\nFROM sha256:1 AS base\nFROM alpine AS files\nfrom base\nCOPY --from=files /a /a\n',
    )
    expect(withStages(dockerfile, [], 'shop-web')).toBe(dockerfile)
    expect(withStages('RUN true\n', stages, 'shop-web')).toBe('RUN true\n')
  })

  it.each([
    ['FROM a as base\n', 'build.additional_contexts.base is not supported: the Dockerfile has a stage of that name'],
    ['FROM a\nFROM b\nCOPY --from=0 /a /a\n', 'build.additional_contexts is not supported where the Dockerfile names'],
    ['FROM a\nRUN --mount=type=bind,from=0,target=/b true\n', 'give the stage a name'],
  ])('is refused where they would change its meaning: %j', (dockerfile, why) => {
    expect(messageOf(() => withStages(dockerfile, stages, 'shop-web'))).toContain(why)
  })
})
