import { describe, expect, it } from 'vitest'
import { authFor } from '../../../src/runtime/build/base-image.ts'

describe('credentials for base images', () => {
  const auths = {
    'https://index.docker.io/v1/': { username: 'hub' },
    'registry.example:5000': { username: 'private' },
    'http://other.example/v2/': { username: 'other' },
  }
  it.each([
    ['redis', 'hub'],
    ['docker.io/library/redis:7', 'hub'],
    ['registry.example:5000/a/b', 'private'],
    ['other.example/a', 'other'],
    ['registry.example/a/b', undefined],
    ['example:5000/a/b', undefined],
  ])('%s: %s', (name, username) => expect(authFor(name, auths)?.username).toBe(username))
})
